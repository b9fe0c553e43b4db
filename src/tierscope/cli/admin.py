"""Asks OpenAI's admin API, through the openai client that every user of Tierscope has: pages, limits, refusals.

The admin key is read from the environment alone, goes to one host, and into no message, log or file. Older clients have
no admin resources; what is asked for goes through ``client.get``, which all of them have.
"""

from __future__ import annotations

import ipaddress
import os
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import click

from tierscope.cli.sentences import plain
from tierscope.reconcile import pages
from tierscope.reconcile.hours import DAY_S, WIDTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import openai

KEY: Final = "OPENAI_ADMIN_KEY"
SCOPE: Final = "api.usage.read"
OPENAI: Final = "https://api.openai.com/v1"
TRIES: Final = 5
"""How often one page is asked for."""
LONGEST_S: Final = 120.0
"""How long one refusal may make us wait."""
_LIMITS: Final = {60: 1440, 3600: 168}
_DAYS: Final = 180
_FIRST_WAIT_S: Final = 1.0
_PATIENCE_S: Final = 60.0
_RAW: Final = {"X-Stainless-Raw-Response": "true"}
_WORDS: Final = {seconds: word for word, seconds in WIDTHS.items()}
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER = 401, 403, 404, 429, 500
_SCOPES: Final = "Missing scopes"


class AdminError(click.ClickException):
    """The service does not answer as asked; the message says why, and what to do."""


class Admin:
    """One organization's admin API."""

    def __init__(self, client: openai.OpenAI, host: str, say: Callable[[str], None]) -> None:
        self._client, self.host, self._say = client, host, say
        self.ahead_s: float | None = None
        """By how many seconds this clock was ahead of the service's at the last answer, to about one second."""

    def usage(self, begin_s: int, end_s: int, width_s: int, projects: frozenset[str]) -> list[pages.Used]:
        """Ask for the usage of completions."""
        query = {
            "start_time": begin_s,
            "end_time": end_s,
            "bucket_width": _WORDS[width_s],
            "group_by": list(pages.GROUP_BY),
            "limit": _LIMITS[width_s],
            **({"project_ids": sorted(projects)} if projects else {}),
        }
        return [
            used for page in self._pages("usage/completions", query, "usage") for used in self._read(pages.used, page)
        ]

    def costs(self, begin_s: int, end_s: int, projects: frozenset[str]) -> list[pages.Paid]:
        """Ask for the costs of the whole days of a range."""
        begin, end = -(-begin_s // DAY_S) * DAY_S, end_s // DAY_S * DAY_S
        if begin >= end:
            return []
        query = {
            "start_time": begin,
            "end_time": end,
            "bucket_width": "1d",
            "group_by": list(pages.COSTS_BY),
            "limit": _DAYS,
            **({"project_ids": sorted(projects)} if projects else {}),
        }
        return [paid for page in self._pages("costs", query, "costs") for paid in self._read(pages.paid, page)]

    def default_tier(self, project: str) -> str | None:
        """Ask what ``auto`` means in a project; ``None`` where the key may not see it, or there is no such setting."""
        try:
            told = self._get(f"projects/{quote(project, safe='')}/service_tier_settings", {})
        except AdminError:
            return None
        word = told.get("default") if isinstance(told, dict) else None
        return word if isinstance(word, str) else None

    def _read(self, reader: Callable[[Mapping[str, Any]], list[Any]], page: Mapping[str, Any]) -> list[Any]:
        try:
            return reader(page)
        except pages.PageError as error:
            raise self._strange(error) from None

    def _strange(self, error: pages.PageError) -> AdminError:
        return AdminError(f"{self.host} answered no page as the API documents it: {plain(str(error))}.")

    def _pages(self, path: str, query: Mapping[str, Any], what: str) -> Iterator[Mapping[str, Any]]:
        cursor, seen = None, set[str]()
        while True:
            page = self._get(path, {**query, **({"page": cursor} if cursor else {})})
            yield page
            try:
                cursor = pages.following(page)
            except pages.PageError as error:
                raise self._strange(error) from None
            if cursor is None:
                return
            if cursor in seen:
                raise self._strange(pages.PageError("the same next page comes again and again"))
            seen.add(cursor)
            self._say(f"{what}: {len(seen)} page{'s' if len(seen) > 1 else ''} so far")

    def _get(self, path: str, query: Mapping[str, Any]) -> Any:
        """Ask once, and again after a refusal that passes."""
        import openai  # noqa: PLC0415  a second of CPU

        for number in range(1, TRIES + 1):
            try:
                raw: Any = self._client.get(
                    f"/organization/{path}", cast_to=object, options={"params": query, "headers": _RAW}
                )
            except openai.APIStatusError as error:
                wait = _wait(error, number)
                if wait is None or number == TRIES:
                    raise self._refusal(error, number) from None
                self._say(f"{_WHY.get(error.status_code, 'the service has an error')}: waiting {wait:.3g} s")
                time.sleep(wait)
            except openai.APIConnectionError as error:
                raise AdminError(f"{self.host} cannot be reached: {plain(_cause(error))}.") from None
            else:
                self.ahead_s = _ahead(raw.headers.get("date"))
                return _parsed(raw)
        raise AssertionError("unreachable")

    def _refusal(self, error: openai.APIStatusError, tries: int) -> AdminError:
        """Say what is wrong; never in the service's own words, which may quote the key."""
        status = error.status_code
        if status == _FORBIDDEN or (status == _UNAUTHORIZED and _SCOPES in str(error)):
            return AdminError(
                f"{self.host} refused: the key in {KEY} lacks the permission {SCOPE} ({status}). "
                f"Make an admin key that may read usage; a project's key cannot."
            )
        if status == _UNAUTHORIZED:
            return AdminError(
                f"{self.host} refused the key in {KEY} (401). Is it an admin key, whole, and not revoked?"
            )
        if status == _TOO_MANY:
            return AdminError(f"{self.host} refused {tries} times for too many requests (429). Try again later.")
        if status == _NOT_FOUND:
            return AdminError(f"{self.host} has no such page (404): is the base URL that of the API, with /v1?")
        said = plain(str(error).replace(self._client.api_key, "[key]"))[:200]
        return AdminError(f"{self.host} answered {status}, {tries} of {tries} times: {said}")


_WHY: Final = {_TOO_MANY: "too many requests"}


class Access(NamedTuple):
    """Where to ask, and with what."""

    base_url: str
    key: str


def access(base_url: str | None, environ: Mapping[str, str] | None = None) -> Access:
    """Read the key, and check where it would go.

    ``OPENAI_BASE_URL`` is not heeded: it may name somebody's gateway, which has no business with an admin key.

    Raises:
        click.ClickException: there is no key that can be sent, or it would go over a network in the clear.

    """
    key = (os.environ if environ is None else environ).get(KEY, "").strip()
    if not key:
        raise click.ClickException(f"{KEY} is not set. The usage API takes an admin key, from the environment alone.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise click.ClickException(f"{KEY} is no key: it holds blanks or characters that no header can carry.")
    url = base_url or OPENAI
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.BadParameter(f"{plain(url)!r} is no address. Write it as {OPENAI}.", param_hint="--base-url")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise click.BadParameter(
            f"{plain(url)} would get the admin key in the clear. Use https.", param_hint="--base-url"
        )
    return Access(url, key)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def connect(to: Access, say: Callable[[str], None]) -> Admin:
    """Make the client.

    Raises:
        click.ClickException: openai is not installed.

    """
    try:
        import openai  # noqa: PLC0415  a second of CPU, and no dependency of ours
    except ModuleNotFoundError:
        raise click.ClickException("openai is missing: install it, its client asks the admin API.") from None
    client = openai.OpenAI(api_key=to.key, base_url=to.base_url, max_retries=0, timeout=_PATIENCE_S)
    client.project = None  # an admin key belongs to none, whatever OPENAI_PROJECT_ID says
    return Admin(client, urlsplit(to.base_url).netloc.rpartition("@")[2], say)


def _wait(error: openai.APIStatusError, tries: int) -> float | None:
    """How long to wait until the next try; ``None``: there is no use in one."""
    if error.status_code != _TOO_MANY and error.status_code < _SERVER:
        return None
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            asked = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return asked if 0 <= asked <= LONGEST_S else None
    return _FIRST_WAIT_S * 2.0 ** (tries - 1)


def _ahead(date: str | None) -> float | None:
    """By how much this clock is ahead of a reply's ``Date``, which is cut to whole seconds."""
    try:
        return None if date is None else time.time() - parsedate_to_datetime(date).timestamp() - 0.5
    except ValueError:
        return None


def _parsed(raw: Any) -> Any:
    try:
        return raw.parse()
    except ValueError:
        return None


def _cause(error: BaseException) -> str:
    return str(error.__cause__ or error)
