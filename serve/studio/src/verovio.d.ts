declare module "verovio/wasm" {
  export default function createVerovioModule(): Promise<object>;
}

declare module "verovio/esm" {
  export class VerovioToolkit {
    constructor(module: object);
    setOptions(options: object): void;
    loadData(data: string): boolean;
    getPageCount(): number;
    renderToSVG(page: number): string;
    renderToTimemap(options: object): object[];
  }
}
