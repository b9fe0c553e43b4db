"""The query of one request to the usage or costs API: read, checked, and its buckets."""

import time
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from starlette.requests import Request

from tierscope.simulator import errors
from tierscope.simulator.books import Entry
from tierscope.simulator.errors import Problem

_SECONDS = {"1m": 60, "1h": 3600, "1d": 86_400}


@dataclass(frozen=True, slots=True)
class Rules:
    """What an endpoint takes: bucket widths with their default and greatest number of buckets, and groups."""

    limits: dict[str, tuple[int, int]]
    groups: tuple[str, ...]


USAGE = Rules(
    {"1m": (60, 1440), "1h": (24, 168), "1d": (7, 31)},
    ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source"),
)
COSTS = Rules({"1d": (7, 180)}, ("project_id", "user_id", "line_item", "api_key_id", "api_source"))


class Refused(Exception):  # noqa: N818  # it carries the refusal, which is an answer
    """A request that is answered with an error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query: seconds since 1970; buckets begin on multiples of `width`, the first one at `start`."""

    start: int
    end: int
    first: int
    width: int
    limit: int
    group_by: tuple[str, ...]
    projects: frozenset[str]
    models: frozenset[str]
    batch: bool | None
    foreign: bool

    def bucket(self, at: int) -> int:
        """The begin of the bucket that a moment is in."""
        return max(self.start, at // self.width * self.width)

    def edges(self) -> list[tuple[int, int]]:
        """Begin and end of each bucket of this page."""
        found: list[tuple[int, int]] = []
        begin = self.first
        while begin < self.end and len(found) < self.limit:
            end = min(self.end, (begin // self.width + 1) * self.width)
            found.append((begin, end))
            begin = end
        return found

    def wants(self, entry: Entry) -> bool:
        """Whether the filters let an entry through; nobody has the keys and users that can be asked for."""
        return (
            not self.foreign
            and (not self.projects or entry.project in self.projects)
            and (not self.models or entry.model in self.models)
            and self.batch in {None, entry.batch}
        )


def read_query(request: Request, rules: Rules) -> Query:
    """The query of a request; raises `Refused` naming the parameter that is wrong."""
    asked = request.query_params
    start = _number(asked, "start_time")
    if start is None:
        raise Refused(errors.missing("start_time"))
    end = _number(asked, "end_time") or int(time.time()) + 1
    if end <= start:
        raise Refused(errors.invalid_value("end_time", "'end_time' must be after 'start_time'."))
    word = asked.get("bucket_width", "1d")
    if word not in rules.limits:
        raise Refused(errors.invalid_value("bucket_width", f"Invalid value: '{word}'."))
    usual, most = rules.limits[word]
    limit = _number(asked, "limit") or usual
    if not 1 <= limit <= most:
        raise Refused(errors.invalid_value("limit", f"'limit' must be between 1 and {most} for '{word}' buckets."))
    return Query(
        start=start,
        end=end,
        first=_first(asked, start, end),
        width=_SECONDS[word],
        limit=limit,
        group_by=_groups(asked, rules),
        projects=frozenset(_listed(asked, "project_ids")),
        models=frozenset(_listed(asked, "models")),
        batch={"true": True, "false": False}.get(asked.get("batch", "")),
        foreign=bool(_listed(asked, "api_key_ids") or _listed(asked, "user_ids")),
    )


def _number(asked: QueryParams, name: str) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise Refused(errors.invalid_value(name, f"'{name}' must be a whole number."))
    return int(text)


def _first(asked: QueryParams, start: int, end: int) -> int:
    page = asked.get("page")
    if page is None:
        return start
    digits = page.removeprefix("page_")
    if not digits.isdigit() or not start <= int(digits) < end:
        raise Refused(errors.invalid_value("page", "'page' is no cursor of this query."))
    return int(digits)


def _groups(asked: QueryParams, rules: Rules) -> tuple[str, ...]:
    groups = _listed(asked, "group_by")
    wrong = next((group for group in groups if group not in rules.groups), None)
    if wrong is not None:
        raise Refused(errors.invalid_value("group_by", f"Invalid value: '{wrong}'."))
    return groups


def _listed(asked: QueryParams, name: str) -> tuple[str, ...]:
    """A list as clients write it: `name[]=a&name[]=b`, or `name=a&name=b`."""
    return (*asked.getlist(f"{name}[]"), *asked.getlist(name))
