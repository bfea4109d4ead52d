/** Engraves scores, in a worker of its own: verovio is large, and takes its time. */

import { VerovioToolkit } from "verovio/esm";
import createVerovioModule from "verovio/wasm";

export interface EngravingRequest {
  number: number;
  musicxml: string;
  pageWidth: number;
}

/** Notes begin and end at `quarter`, known by the ids of their elements. */
export interface Turn {
  quarter: number;
  on: string[];
  off: string[];
}

export interface Engraving {
  number: number;
  pages: string[];
  turns: Turn[];
  /** The font of the signs that stand in text, the first time. */
  font: Uint8Array<ArrayBuffer> | null;
  problem: string | null;
}

/** Styles are the page's own: its policy lets no others in. */
const STYLES = /<style[\s\S]*?<\/style>| style="[^"]*"/g;

interface TimemapEntry {
  qstamp: number;
  on?: string[];
  off?: string[];
}

let fontGiven = false;
const toolkit = createVerovioModule().then((module) => new VerovioToolkit(module));

onmessage = async (event: MessageEvent<EngravingRequest>) => {
  postMessage(engraved(await toolkit, event.data));
};

function engraved(verovio: VerovioToolkit, { number, musicxml, pageWidth }: EngravingRequest): Engraving {
  verovio.setOptions({
    pageWidth, pageHeight: 2970, scale: 40, adjustPageHeight: true, footer: "none", header: "none", breaks: "auto", svgViewBox: true,
    pageMarginLeft: 60, pageMarginRight: 60, pageMarginTop: 60, pageMarginBottom: 60,
  });
  if (!verovio.loadData(musicxml)) {
    return { number, pages: [], turns: [], font: null, problem: "This music cannot be engraved." };
  }
  const count = verovio.getPageCount();
  const drawn = Array.from({ length: count }, (_, n) => verovio.renderToSVG(n + 1));
  const font = fontGiven ? null : fontIn(drawn[0] ?? "");
  fontGiven ||= font !== null;
  const pages = drawn.map((svg) => svg.replaceAll(STYLES, ""));
  const timemap = verovio.renderToTimemap({}) as unknown as TimemapEntry[];
  const turns = timemap.map(({ qstamp, on = [], off = [] }) => ({ quarter: qstamp, on, off }));
  return { number, pages, turns, font, problem: null };
}

function fontIn(svg: string): Uint8Array<ArrayBuffer> | null {
  const found = /font-woff2;[^,]*base64,([A-Za-z0-9+/=]+)/.exec(svg);
  return found ? Uint8Array.from(atob(found[1]!), (character) => character.charCodeAt(0)) : null;
}
