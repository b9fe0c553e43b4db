"""Which tests hold each trap of the seam, and each fault of a peer that must not be ours: found by number."""

from __future__ import annotations

from typing import Final, NamedTuple

DOOR: Final = "test_doors.py::test_a_door_leaves_one_record_and_changes_nothing"
PATH: Final = "test_paths.py::test_a_path_is_seen_once_and_untouched"
ASYNC: Final = "test_paths_async.py::test_an_async_path_is_seen_once_and_untouched"
RESPONSES: Final = "test_paths_responses.py::test_a_path_of_responses_is_seen_once_and_untouched"
LEFT_ALONE: Final = "test_paths_responses.py::test_what_is_no_inference_leaves_no_record"
USAGE: Final = "test_stream_usage.py"
LATER: Final = "a later part"
"""Held by tests that come with the part of the product it is about."""


class Held(NamedTuple):
    """What must hold, and the tests that hold it: with the ids of parameters, or without for all of them."""

    claim: str
    tests: tuple[str, ...]


def ids(test: str, *parameters: str) -> tuple[str, ...]:
    """Return one test with several parameters."""
    return tuple(f"{test}[{parameter}]" for parameter in parameters)


def doors(*names: str) -> tuple[str, ...]:
    """Return doors of chat streams, sync and asyncio where they have both."""
    return tuple(f"{DOOR}[{name}-chat-{backend}]" for name in names for backend in ("sync", "asyncio"))


TRAPS: Final[dict[int, Held]] = {
    1: Held("tier or stream_options in extra_body: the merged body counts",
            (*ids(PATH, "tier by extra_body", "extra_body beats the keyword"),
             *ids(f"{USAGE}::test_the_callers_choice_is_his", "extra_body beats the keyword",
                  "another by extra_body"))),
    2: Held("absent, None, sentinels, unknown words and fast pass through, bounded; fast answered priority is honored",
            (*ids(PATH, "tier omitted", "tier None", "tier not given", "weird tier asked", "fast answered priority",
                  "ultrafast"),
             "test_bad_input.py::test_any_text_as_tier_passes_through_and_is_bounded")),
    3: Held("raw mode never parsed, failing post_parser: tier known, the parser is the application's",
            ("test_traps.py::test_a_raw_response_is_parsed_by_the_application_alone",
             "test_traps.py::test_an_async_streaming_response_leaves_no_coroutine_behind", *ids(PATH, "raw unparsed"))),
    4: Held("with_streaming_response: the body is not consumed early, the result is the same",
            (*ids(PATH, "streaming response bytes", "streaming response read", "streaming response body parsed"),
             *ids(ASYNC, "streaming response body parsed"),
             *doors("streaming lines", "streaming bytes", "streaming read", "streaming parsed", "streaming unread"))),
    5: Held("a stream read to the end is complete, although the SDK closes it first",
            (*doors("read to the end"), f"{DOOR}[read to the end-responses-sync]")),
    6: Held("closed early: closed at once, usage unknown",
            doors("close", "close unread", "with break", "stream.response.close()", "manager left early")),
    7: Held("abandoned, never iterated: queued, the time of the last chunk, no new kinds of warnings",
            (*doors("break then drop", "never iterated"),
             *ids(DOOR, "next then drop-chat-trio", "never iterated-chat-trio"),
             "test_stream_ends.py::test_an_abandoned_stream_ends_with_its_last_chunk")),
    8: Held("an error in mid-stream is recorded once, with the application's exception",
            (*doors("error event", "server drops the connection", "server falls silent"),
             "test_stream_ends.py::test_an_error_event_is_failed_with_its_code")),
    9: Held("cancelled before the response or in mid-stream: cancelled, re-raised",
            (*ids(DOOR, "task cancelled before the response-chat-asyncio", "task cancelled in mid stream-chat-asyncio",
                  "asyncio timeout in mid stream-chat-asyncio", "moved on in mid stream-chat-trio"),
             "test_stream_ends.py::test_a_cancelled_call_says_so_in_its_attempt")),
    10: Held("the drain after [DONE] reads the body a second time: connections are reused as without us",
             ids(DOOR, "read to the end-chat-asyncio", "read to the end-responses-asyncio",
                 "read to the end-chat-trio")),
    11: Held("gzip and deflate are read; br and zstd in a scan are unknown, no exception",
             ("test_paths.py::test_a_stream_that_was_compressed_is_read",
              "test_bad_input.py::test_what_can_be_known_of_an_odd_stream_is_known",
              "test_bad_input.py::test_an_encoding_we_cannot_undo_leaves_the_tier_unknown")),
    12: Held("a client of httpx on openai 3.x: the tap is of its library",
             ("test_traps.py::test_a_client_of_the_other_http_library_streams",)),
    13: Held("tee, interleaved, twice, other thread or task, several at once: right counts, no false error",
             (*doors("iterate twice", "two iterators", "another thread or task"), f"{DOOR}[tee-chat-sync]",
              "test_lifecycle.py::test_four_threads_on_one_stream_leave_one_record",
              "test_stream_ends.py::test_two_tasks_on_one_stream_leave_one_record")),
    14: Held("16 threads of 50 calls, 40 streams at once: no tier mixed up",
             ("test_lifecycle.py::test_threads_do_not_mix_tiers_up",
              "test_lifecycle.py::test_forty_streams_at_once_do_not_mix_tiers_up")),
    15: Held("forked in mid-stream: the child records nothing of its parent's",
             ("test_lifecycle.py::test_a_forked_child_records_nothing_of_its_parents_stream",)),
    16: Held("a token provider that calls a client: two records, each its own",
             ("test_lifecycle.py::test_a_token_provider_that_calls_a_client_is_a_record_of_its_own",
              "test_paths_responses.py::test_a_call_that_is_no_inference_is_no_attempt_of_the_one_around_it")),
    17: Held("instrumented twice, reloaded, taken off with open streams, a foreign layer on top",
             ("test_lifecycle.py::test_instrumenting_twice_is_one_layer",
              "test_lifecycle.py::test_a_foreign_layer_on_top_stays",
              "test_traps.py::test_a_reload_of_the_module_is_one_layer", *doors("uninstrumented"))),
    18: Held("beside the official package, first or second: both see all, one span a call",
             ("test_companion.py::test_a_path_has_one_span_with_our_tiers",
              "test_companion.py::test_an_async_path_has_one_span_with_our_tiers")),
    19: Held("pickle, deepcopy, copy() and with_options() are as without us",
             ("test_lifecycle.py::test_pickled_and_copied_replies_are_as_without_us",
              *ids(PATH, "copied client", "client with options"))),
    20: Held("background, polling, stored completions, compact, cancel: provisional until terminal, tokens once",
             ("test_background.py::test_background_tokens_count_once_however_often_it_is_retrieved",
              "test_background.py::test_a_stream_that_is_cut_and_taken_up_again_counts_once",
              "test_background.py::test_an_old_stored_response_is_not_counted_when_fetched",
              "test_batches.py::test_an_end_is_told_once_however_often_it_is_seen",
              *ids(RESPONSES, "background", "retrieve", "retrieve stream", "beta create", "with a query"),
              *ids(LEFT_ALONE, "stored completion", "compact", "cancel", "input items"))),
    21: Held("a Responses stream: only the terminal event's tier is served",
             (*ids(RESPONSES, "stream", "stream without a tier"),
              *ids(DOOR, "close-responses-sync", "with break-responses-asyncio"))),
    22: Held("an exception in any step, arguments nobody knows: never the application's problem",
             ("test_isolation.py::test_a_fault_in_a_step_never_reaches_the_application",
              "test_traps.py::test_arguments_nobody_knows_yet_pass_through")),
    23: Held("a helper that is never entered: nothing sent, no record", doors("manager never entered")),
    24: Held("patched by class object, whatever the class says of its module",
             ("test_lifecycle.py::test_uninstrument_leaves_the_sdk_as_it_was",
              "test_lifecycle.py::test_signatures_and_kinds_stay")),
    25: Held("a stream whose body is in memory is a stream",
             ("test_traps.py::test_a_stream_whose_body_is_in_memory_is_a_stream",
              "test_traps.py::test_an_async_stream_whose_body_is_in_memory_is_a_stream")),
    26: Held("Azure's header by default_headers or extra_headers, in any case",
             ("test_identity.py::test_azure_resolves_header_and_deployment",)),
    27: Held("a WebSocket request that is queued before the connection",
             ("test_websocket.py::test_a_request_that_waits_for_the_connection_is_seen",
              "test_websocket_ends.py::test_a_connection_that_does_not_come_fails_what_waits_for_it")),
    28: Held("beside the official package, its span ends before our stream: the tiers are on it",
             ("test_companion_endings.py::test_an_ending_leaves_the_tiers_on_the_official_span",
              "test_companion_endings.py::test_an_async_ending_leaves_the_tiers_on_the_official_span",
              "test_companion.py::test_its_span_tells_no_half_truth")),
    29: Held("drain, close and collection in any order, in any thread: one record",
             ("test_finalizers.py::test_drain_close_and_collection_in_any_order_leave_one_record",
              "test_finalizers.py::test_an_async_stream_leaves_one_record_in_any_order")),
    30: Held("a finalizer only queues, also inside a lock of the SDK",
             ("test_finalizers.py::test_a_collection_inside_a_lock_of_the_sdk_only_queues",
              "test_stream_ends.py::test_a_coroutine_that_is_dropped_is_abandoned")),
}  # fmt: skip

FAULTS: Final[dict[int, Held]] = {
    1: Held("auto and omitted are two requested values", ids(PATH, "tier auto", "tier omitted")),
    2: Held("a tier in extra_body is seen on every endpoint",
            (*ids(PATH, "tier by extra_body", "legacy completion, tier by extra_body",
                  "embeddings, tier by extra_body"),
             *ids(RESPONSES, "create, tier by extra_body"))),
    3: Held("the last tier of a chat stream is served", ("test_record.py::test_the_last_tier_of_a_chat_stream_wins",)),
    4: Held("nothing is invented: absent is unreported, flex stays flex",
            (*ids(PATH, "tier absent"),
             *ids(RESPONSES, "stream, flex all along", "stream without a tier", "without a tier"))),
    5: Held("early close and queued are never honored; requested and served share no key",
            (*ids(DOOR, "close-responses-sync", "next then drop-responses-asyncio"), *ids(RESPONSES, "background"),
             "test_emission.py::test_a_downgraded_call_is_this_span")),
    6: Held("both tiers on every own metric", ("test_emission.py::test_both_tiers_are_on_every_own_metric",)),
    7: Held("the first token is no event, role or empty delta; a body has none",
            ("test_record.py::test_the_first_token_is_no_role_and_no_created_event",
             "test_record.py::test_a_body_has_no_first_token")),
    8: Held("tokens are known or absent, never estimated",
            (*ids(f"{USAGE}::test_usage_is_asked_for_only_where_set", "never"),
             f"{USAGE}::test_an_interrupted_stream_has_no_usage")),
    9: Held("no byte of a request changes unless asked for; the caller's dictionaries and raw lines never",
            ("test_record.py::test_a_request_without_our_settings_is_the_same_byte_for_byte",
             f"{USAGE}::test_the_callers_choice_is_his", f"{USAGE}::test_some_readers_are_never_given_an_extra_event",
             f"{USAGE}::test_the_usage_chunk_is_hidden_from_async_readers_too")),
    10: Held("background tokens once per id, an old stored response none",
             ("test_background.py::test_background_tokens_count_once_however_often_it_is_retrieved",
              "test_background.py::test_an_old_stored_response_is_not_counted_when_fetched")),
    11: Held("no usage, no output, unknown events and fields: nothing raised, no status changed",
             ("test_bad_input.py::test_an_odd_response_changes_no_status",
              "test_bad_input.py::test_a_hostile_stream_is_what_it_would_be_without_us")),
    12: Held("cached tokens are inside input: the cost of the sample", (LATER,)),
    13: Held("flex and default differ in cost, or have none", (LATER,)),
    14: Held("close, drop, with and break, cancel, never iterated: one record each, sync and async",
             (*doors("close", "next then drop", "with break", "never iterated"),
              *ids(DOOR, "task cancelled in mid stream-chat-asyncio", "cancelled in mid stream-chat-trio"))),
    15: Held("response.failed, error events, cancel and abandon are no success",
             ("test_stream_ends.py::test_a_failed_response_is_failed_although_nothing_is_raised",
              "test_stream_ends.py::test_an_error_event_is_failed_with_its_code",
              *doors("error event", "next then drop"))),
    16: Held("raw, streaming, helpers, parse, with, headers: types and values as without us",
             (PATH, ASYNC, RESPONSES, DOOR)),
    17: Held("memory is flat over many calls of each kind", ("test_memory.py::test_memory_is_flat_over_many_calls",)),
    18: Held("Azure on any host is Azure; whether its echo is trusted is another rule",
             ("test_identity.py::test_azure_is_known_by_its_host_too",
              "test_identity.py::test_a_gateway_in_front_of_azure_is_azure_but_not_trusted",
              "test_paths.py::test_azure_is_seen_with_and_without_a_deployment")),
    19: Held("one call is counted once, beside the official package and when sampled out",
             ("test_companion.py::test_a_path_has_one_span_with_our_tiers",
              "test_companion.py::test_a_sampled_out_outer_span_records_the_metrics_once",
              "test_emission.py::test_a_sampled_out_call_counts_in_every_metric")),
    20: Held("nothing from the network; what an openai lacks is one line",
             ("test_traps.py::test_nobody_is_connected_to_but_the_service",
              "test_lifecycle.py::test_a_patch_that_is_missing_is_one_line_and_the_rest_works")),
    21: Held("errors before and during the call leave a record and the same exception",
             ("test_record.py::test_every_attempt_is_in_the_record",
              "test_record.py::test_a_client_time_out_is_told_apart",
              "test_bad_input.py::test_a_hostile_body_is_what_it_would_be_without_us")),
}  # fmt: skip
