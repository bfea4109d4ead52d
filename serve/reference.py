"""The OpenAPI document as a page to read: no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

Document = dict[str, Any]

HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .4rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid #8884 }
section { margin-top: 2.5rem } summary { cursor: pointer }
"""


def page(document: Document) -> str:
    """``document`` as HTML."""
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    return "".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8>",
            "<meta name=viewport content='width=device-width'>",
            f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>",
            f"<p>{escape(info.get('summary', ''))} The same for programs: ",
            "<a href=/openapi.json>openapi.json</a>.</p>",
            *_routes(document),
            "<h2>Forms</h2>",
            *_forms(document["components"]["schemas"]),
            "</html>",
        ]
    )


def _routes(document: Document) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            yield f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p><strong>{escape(route.get('summary', ''))}.</strong> "
            yield f"{escape(route.get('description', ''))}</p>"
            yield from _parameters(route.get("parameters", ()))
            yield from _content("Body", route.get("requestBody", {}).get("content", {}))
            for status, answer in route["responses"].items():
                if status.startswith("2"):
                    yield from _content(f"Answer {status}", answer.get("content", {}))
            refused = [s for s in route["responses"] if not s.startswith("2")]
            if refused:
                yield f"<p>Refusals: {', '.join(refused)}, each one sentence.</p>"
            yield "</section>"


def _parameters(parameters: Any) -> Iterator[str]:
    if parameters:
        rows = ((p["name"], _kind(p["schema"]), p.get("description", "")) for p in parameters)
        yield from _table(("parameter", "kind", ""), rows)


def _content(title: str, content: Document) -> Iterator[str]:
    if content:
        rows = ((kind, _kind(form.get("schema", {}))) for kind, form in content.items())
        yield from _table((title, "form"), rows)


def _forms(forms: Document) -> Iterator[str]:
    for name, form in sorted(forms.items()):
        yield f"<section id='{escape(name)}'><h3>{escape(name)}</h3>"
        yield f"<p>{escape(form.get('description', ''))}</p>"
        rows = (
            (key, _kind(value), _default(value), value.get("description", ""))
            for key, value in form.get("properties", {}).items()
        )
        yield from _table(("key", "kind", "default", ""), rows)
        for example in form.get("examples", ()):
            text = json.dumps(example, indent=1, ensure_ascii=False)
            yield f"<details><summary>Example</summary><pre>{escape(text)}</pre></details>"
        yield "</section>"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{escape(cell)}" for cell in head)
    for first, *rest in rows:
        cells = "".join(f"<td>{_linked(cell)}" for cell in rest)
        yield f"<tr><td><code>{escape(first)}</code>{cells}"
    yield "</table>"


def _linked(cell: str) -> str:
    """Text in which names of forms, marked by a leading #, lead to them."""
    words = (
        f"<a href='{escape(word)}'>{escape(word[1:])}</a>" if word.startswith("#") else escape(word)
        for word in cell.split(" ")
    )
    return " ".join(words)


def _default(value: Document) -> str:
    return json.dumps(value["default"], ensure_ascii=False) if "default" in value else "needed"


def _kind(schema: Document) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return f"#{schema['$ref'].rpartition('/')[2]}"
    if "enum" in schema or "const" in schema:
        return ", ".join(json.dumps(v) for v in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and "properties" in schema:
        return " and ".join(f"{k}: {_kind(v)}" for k, v in schema["properties"].items())
    if schema.get("format") == "binary":
        return "a file"
    return str(schema.get("type", "anything")) + _bounds(schema)


def _bounds(schema: Document) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" {low}..{high}"
    return "" if low is None else f" from {low}"
