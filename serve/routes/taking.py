"""From what a request brought to a piece of music and what is wanted of it."""

from __future__ import annotations

from typing import TypeVar

from .. import schemas, uploads, work
from ..problems import ProblemError, refusals, unprocessable
from ..services import Services

Wish = TypeVar("Wish", bound=schemas.Form)


async def one_piece(
    services: Services,
    parcel: uploads.Parcel,
    request_form: type[schemas.Music],
    options_form: type[Wish],
    may_be_nothing: bool = False,
) -> tuple[work.Source, Wish]:
    """The one piece of a request and its options, from JSON or from a file with fields."""
    if parcel.document is not None:
        asked = uploads.wishes(request_form, parcel.document)
        with refusals():
            source = await services.arranging.run(work.source_of, asked)
        services.check_size(source.score, source.name)
        assert isinstance(asked, options_form)
        return source, asked
    wish = uploads.options(options_form, parcel.fields)
    if len(parcel.uploads) != 1:
        if may_be_nothing and not parcel.uploads:
            return work.nothing(), wish
        raise unprocessable(
            f"expected one file, not {len(parcel.uploads)}: for several, make a job at /v1/jobs"
        )
    return await services.read(parcel.uploads[0]), wish


async def several_pieces(
    services: Services, parcel: uploads.Parcel, wish_form: type[Wish]
) -> tuple[list[work.Source], Wish, list[str]]:
    """The pieces of a request, its options, and a sentence on each that cannot be used."""
    wish = uploads.options(wish_form, parcel.fields)
    if not parcel.uploads:
        raise unprocessable("expected at least one file")
    sources, warnings = [], []
    for upload in parcel.uploads:
        try:
            sources.append(await services.read(upload))
        except ProblemError as problem:
            if len(parcel.uploads) == 1:
                raise
            warnings.append(problem.detail)
    return sources, wish, warnings
