// The picture of a timeline: stacked bars by exit reason, in the theme's chart colours.

import type { ExitPicture } from '../../../debugger/views/exits.ts';

export interface Picture {
  readonly line: ExitPicture;
  readonly colours: readonly { readonly title: string; readonly colour: string }[];
}

const COLOURS = ['blue', 'orange', 'green', 'purple', 'red', 'yellow'] as const;
const HEIGHT = 140;
/** Below the bars: where VM entries are marked. */
const BELOW = 8;
const FLOOR = HEIGHT - BELOW;

/** Colour of a theme variable; charts fall back on the text colour. */
function themeColour(name: string): string {
  const style = getComputedStyle(document.body);
  return style.getPropertyValue(name).trim() || style.color;
}

/** @param now the present, marked by a line */
export function drawTimeline(canvas: HTMLCanvasElement, line: ExitPicture, now: number): Picture {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = HEIGHT * ratio;
  const colours = line.series.map(({ title }, index) => ({
    title,
    colour: themeColour(`--vscode-charts-${COLOURS[index % COLOURS.length]}`),
  }));
  const context = canvas.getContext('2d');
  if (context === null) return { line, colours };
  context.scale(ratio, ratio);
  context.clearRect(0, 0, width, HEIGHT);
  const totals = Array.from({ length: line.parts }, (_, part) =>
    line.series.reduce((sum, { counts }) => sum + (counts[part] ?? 0), 0),
  );
  const most = Math.max(1, ...totals);
  const step = width / line.parts;
  // A part with one exit among thousands must still be seen.
  const heightOf = (count: number): number => (count === 0 ? 0 : Math.max(4, (count / most) * (FLOOR - 12)));
  for (let part = 0; part < line.parts; part++) {
    const total = totals[part] ?? 0;
    if (total === 0) continue;
    const whole = heightOf(total);
    let bottom = FLOOR - 1;
    for (const [index, { counts }] of line.series.entries()) {
      const height = ((counts[part] ?? 0) / total) * whole;
      if (height === 0) continue;
      context.fillStyle = colours[index]?.colour ?? '';
      context.fillRect(part * step, bottom - height, Math.max(1.5, step - 0.5), height);
      bottom -= height;
    }
  }
  context.fillStyle = themeColour('--vscode-foreground');
  context.fillRect(0, FLOOR - 1, width, 1);
  for (const [part, count] of line.entries.entries()) {
    if (count > 0) drawEntry(context, (part + 0.5) * step);
  }
  const present = ((now - line.from) / (line.to - line.from)) * width;
  if (present >= 0 && present <= width) context.fillRect(Math.min(width - 2, present), 0, 2, HEIGHT);
  return { line, colours };
}

/** A triangle that points up at the line. */
function drawEntry(context: CanvasRenderingContext2D, x: number): void {
  context.beginPath();
  context.moveTo(x, FLOOR + 1);
  context.lineTo(x + 3, HEIGHT - 1);
  context.lineTo(x - 3, HEIGHT - 1);
  context.fill();
}

/** Number of the exit nearest to a place, 0 left to 1 right; 0 when there is none. */
export function partAt({ line }: Picture, share: number): number {
  const at = Math.max(0, Math.min(line.parts - 1, Math.floor(share * line.parts)));
  for (let distance = 0; distance < line.parts; distance++) {
    const found = (line.first[at - distance] ?? 0) || (line.first[at + distance] ?? 0);
    if (found > 0) return found;
  }
  return 0;
}
