/** Server-sent events, as they come in pieces over the line. */

export interface ServerEvent {
  name: string;
  data: string;
}

/** Takes text as it arrives and gives each event once it is whole. */
export class EventReader {
  #rest = "";

  take(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(parsed).filter((event) => event !== null);
  }
}

function parsed(block: string): ServerEvent | null {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length === 0 ? null : { name, data: data.join("\n") };
}
