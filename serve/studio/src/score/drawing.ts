/** From what was engraved to elements on the page, which can hold nothing but a drawing. */

const ALLOWED = new Set([
  "svg", "g", "path", "use", "defs", "symbol", "rect", "line", "polyline", "polygon", "ellipse", "circle", "text", "tspan", "desc", "title",
]);

/** The drawing of an SVG document; all that is no drawing is left out. */
export function drawingOf(svg: string): SVGSVGElement | null {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  if (root.localName !== "svg") return null;
  for (const element of [...root.querySelectorAll("*")]) {
    if (!ALLOWED.has(element.localName)) element.remove();
  }
  for (const element of [root, ...root.querySelectorAll("*")]) {
    for (const { name, value } of [...element.attributes]) {
      const leadsAway = /href$/i.test(name) && !value.startsWith("#");
      if (/^on/i.test(name) || leadsAway || name === "style") element.removeAttribute(name);
    }
  }
  return document.importNode(root, true) as unknown as SVGSVGElement;
}

/** A score with one of its parts alone. */
export function onePart(musicxml: string, part: number): string {
  const score = new DOMParser().parseFromString(musicxml, "application/xml");
  const ids = [...score.querySelectorAll("score-part")].map((element) => element.id);
  for (const element of [...score.querySelectorAll("score-part, score-partwise > part")]) {
    if (element.id !== ids[part]) element.remove();
  }
  for (const group of [...score.querySelectorAll("part-group")]) group.remove();
  return new XMLSerializer().serializeToString(score);
}
