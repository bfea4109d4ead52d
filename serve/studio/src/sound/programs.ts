/** The instruments of General MIDI, and the families in which the synthesiser knows them. */

export const PROGRAMS: readonly string[] = [
  ..."Grand piano|Bright piano|Electric grand|Honky-tonk piano|Electric piano 1|Electric piano 2|Harpsichord|Clavinet".split("|"),
  ..."Celesta|Glockenspiel|Music box|Vibraphone|Marimba|Xylophone|Tubular bells|Dulcimer".split("|"),
  ..."Drawbar organ|Percussive organ|Rock organ|Church organ|Reed organ|Accordion|Harmonica|Bandoneon".split("|"),
  ..."Nylon guitar|Steel guitar|Jazz guitar|Clean guitar|Muted guitar|Overdriven guitar|Distorted guitar|Guitar harmonics".split("|"),
  ..."Acoustic bass|Fingered bass|Picked bass|Fretless bass|Slap bass 1|Slap bass 2|Synth bass 1|Synth bass 2".split("|"),
  ..."Violin|Viola|Cello|Double bass|Tremolo strings|Pizzicato strings|Harp|Timpani".split("|"),
  ..."Strings|Slow strings|Synth strings 1|Synth strings 2|Choir aahs|Voice oohs|Synth voice|Orchestra hit".split("|"),
  ..."Trumpet|Trombone|Tuba|Muted trumpet|Horn|Brass section|Synth brass 1|Synth brass 2".split("|"),
  ..."Soprano saxophone|Alto saxophone|Tenor saxophone|Baritone saxophone|Oboe|English horn|Bassoon|Clarinet".split("|"),
  ..."Piccolo|Flute|Recorder|Pan flute|Bottle|Shakuhachi|Whistle|Ocarina".split("|"),
  ..."Square lead|Sawtooth lead|Calliope lead|Chiff lead|Charang lead|Voice lead|Fifths lead|Bass and lead".split("|"),
  ..."New age pad|Warm pad|Polysynth pad|Choir pad|Bowed pad|Metallic pad|Halo pad|Sweep pad".split("|"),
  ..."Rain|Soundtrack|Crystal|Atmosphere|Brightness|Goblins|Echoes|Sci-fi".split("|"),
  ..."Sitar|Banjo|Shamisen|Koto|Kalimba|Bagpipe|Fiddle|Shanai".split("|"),
  ..."Tinkle bell|Agogo|Steel drums|Woodblock|Taiko drum|Melodic tom|Synth drum|Reverse cymbal".split("|"),
  ..."Fret noise|Breath noise|Seashore|Bird tweet|Telephone|Helicopter|Applause|Gunshot".split("|"),
];

export type Family =
  | "piano" | "electric" | "bell" | "organ" | "guitar" | "bass" | "violin" | "cello" | "strings"
  | "pluck" | "choir" | "brass" | "reed" | "flute" | "pulse" | "triangle" | "pad";

const BY_EIGHT: readonly Family[] = [
  "piano", "bell", "organ", "guitar", "bass", "violin", "strings", "brass",
  "reed", "flute", "pulse", "pad", "pad", "pluck", "bell", "pad",
];

const EXCEPTIONS: Readonly<Record<number, Family>> = {
  4: "electric", 5: "electric", 6: "pluck", 7: "pluck",
  38: "triangle", 39: "triangle", 42: "cello", 43: "cello", 44: "strings", 45: "pluck", 46: "pluck", 47: "bass",
  52: "choir", 53: "choir", 54: "choir", 85: "choir", 91: "choir", 109: "reed", 110: "violin", 111: "reed",
};

export function familyOf(program: number): Family {
  return EXCEPTIONS[program] ?? BY_EIGHT[program >> 3] ?? "piano";
}

const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

/** The name of a pitch: 60 is C4. */
export function pitchName(pitch: number): string {
  return `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
}
