"""Examples are tests: the Python blocks of the README and the doctests of the package run under pytest."""

from __future__ import annotations

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

from tierscope.wiring import WIRING


def _leave_nothing(_namespace: object) -> None:
    WIRING.deactivate()


_README = Sybil(parsers=[PythonCodeBlockParser()], patterns=["README.md"], teardown=_leave_nothing)
_SOURCE = Sybil(
    parsers=[DocTestParser()], patterns=["*.py"], path="src", document_types={".py": PythonDocStringDocument}
)

pytest_collect_file = (_README + _SOURCE).pytest()
