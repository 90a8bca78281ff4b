"""The Markdown table and the page: medians, spreads, ratios, and whether each number was reached."""

import html
import json
import math

from .rows import better_peer

TITLES = {"rondel": "Rondel", "prosody": "Prosody", "ejabberd": "ejabberd", "relay": "bare relay",
          "rondel-2": "Rondel, 2 shards", "rondel-twice": "two Rondels",
          "rondel-crossed": "two Rondels, clients crossed"}
COLOURS = {"rondel": "#0b6e4f", "rondel-2": "#5aa98c", "rondel-twice": "#9fc9b8", "rondel-crossed": "#c9ddd4", "prosody": "#7a5195",
           "ejabberd": "#d1603d", "relay": "#8a8f98"}
COLUMNS = ("rondel", "relay", "prosody", "ejabberd")


def number(value):
    """Three digits that count."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def cell(figure):
    if figure is None or figure.median is None:
        return "–"
    low, high = figure.spread
    return number(figure.median) + (f" ({number(low)}–{number(high)})" if len(figure.values) > 1 else "")


def times(figures, left, right):
    """How many times the figure of `left` that of `right` is, as text."""
    found = [figures[name].median if name in figures else None for name in (left, right)]
    return f"{number(found[0] / found[1])} ×" if found[0] is not None and found[1] else "–"


def word(verdict):
    return {True: "reached", False: "**not reached**", None: "not measured"}[verdict.reached]


def columns_of(row, figures):
    """Contestants in the usual order; the row of shards has one of its own instead of the relay."""
    if "rondel-2" in figures:
        return ("rondel", "rondel-2", "rondel-twice", "rondel-crossed")
    return COLUMNS


def ratio_text(verdict):
    if not verdict.ratio:
        return ""
    return f" ({number(1 / verdict.ratio)} × less)" if verdict.is_inverse else f" ({number(verdict.ratio)} ×)"


def verdict_text(verdict, mark=word):
    return f"{verdict.text}: {mark(verdict)}{ratio_text(verdict)}"


def head_lines(contest, rounds, rows=()):
    more = "".join(f", {row.rounds(rounds)} of {row.name}" for row in rows if row.rounds(rounds) > rounds)
    versions = "; ".join(f"{TITLES[name]} {version}".strip(" -") for name, version in contest.versions.items()
                         if name in contest.names)
    lines = [f"Machine: {contest.machine.description()}. Server on core {contest.machine.server_cpus() or 'any'}, "
             f"generator on {contest.machine.generator_cpus() or 'any'}. Rounds: {rounds}{more}. {versions}."]
    lines += [f"{TITLES[name]} did not take part: {why}" for name, why in contest.absent.items()]
    return lines


def markdown(contest, rows, results, rounds):
    lines = head_lines(contest, rounds, rows)
    lines += ["", "Medians, and in brackets the lowest and highest of the rounds. CPU is the server's own, by the kernel's "
              "count, for each message, login or copy. Ratios are of medians.", "",
              "| what | unit | Rondel | bare relay | Prosody | ejabberd | Rondel / relay | better peer / Rondel | must |",
              "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        figures = results[row.name]
        shown = [cell(figures.get(name)) if name else "" for name in columns_of(row, figures)]
        if "rondel-2" in figures:
            shown[1:] = f"2 shards: {shown[1]}", f"2 servers: {shown[2]}", f"2 servers, crossed: {shown[3]}"
        peer = better_peer(figures)[0]
        verdicts = "<br>".join(verdict_text(verdict) for verdict in row.judge(figures))
        lines.append(f"| {row.title} | {row.unit} | {' | '.join(shown)} | {times(figures, 'rondel', 'relay')} "
                     f"| {times(figures, peer, 'rondel') if peer else '–'} | {verdicts} |")
    problems = problem_lines(results)
    if problems:
        lines += ["", "What went wrong:", ""] + [f"- {line}" for line in problems]
    return "\n".join(lines) + "\n"


def problem_lines(results):
    return [f"{row}, {TITLES[name]}, round {i + 1}: {problem}" for row, figures in results.items()
            for name, figure in figures.items() for i, sample in enumerate(figure.samples) for problem in sample.problems]


def as_json(contest, rows, results, rounds):
    return json.dumps({
        "schema": "rondel-compare/1", "machine": contest.machine.description(), "rounds": rounds,
        "versions": contest.versions, "absent": contest.absent,
        "rows": [{"name": row.name, "title": row.title, "unit": row.unit,
                  "figures": {name: {"median": figure.median, "values": figure.values,
                                     "notes": [sample.notes for sample in figure.samples],
                                     "problems": [sample.problems for sample in figure.samples]}
                              for name, figure in results[row.name].items()},
                  "verdicts": [{"text": verdict.text, "reached": verdict.reached, "ratio": verdict.ratio}
                               for verdict in row.judge(results[row.name])]} for row in rows]}, indent=1)


# --- The page --------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --soft: #5b6470; --line: #d9dee5; --paper: #ffffff; --card: #f6f7f9;
        --good: #0b6e4f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa4b1; --line: #343b45; --paper: #14171c;
        --card: #1c2128; --good: #56c596; --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; }
h1 { font-size: 1.9rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 0 0 .2rem; }
p.head { color: var(--soft); margin: .2rem 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.2rem;
          margin: 1.1rem 0; }
ul.musts { list-style: none; padding: 0; margin: .5rem 0 0; } ul.musts li { margin: .15rem 0; }
.reached::before { content: "✓ "; color: var(--good); font-weight: 700; }
.missed::before { content: "✗ "; color: var(--bad); font-weight: 700; }
.unknown::before { content: "– "; color: var(--soft); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg text.soft { fill: var(--soft); } svg .axis { stroke: var(--line); } svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; } .wide { overflow-x: auto; }
a { color: inherit; } td ul.musts { margin: 0; }
td, th { border-bottom: 1px solid var(--line); text-align: left; padding: .3rem .5rem; vertical-align: top; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; color: var(--soft); font-size: .9rem; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin-right: .35em; }
"""
BAR, GAP, LEFT, WIDTH = 22, 8, 130, 900


def bars(row, figures):
    """Horizontal bars from zero with whiskers from the lowest to the highest round."""
    shown = [(name, figure) for name, figure in figures.items() if figure.median is not None]
    if not shown:
        return "<p>No figures.</p>"
    most = max(figure.spread[1] for _, figure in shown) or 1
    scale = (WIDTH - LEFT - 250) / most
    parts = []
    for i, (name, figure) in enumerate(sorted(shown, key=lambda pair: list(COLOURS).index(pair[0]))):
        top = i * (BAR + GAP)
        low, high = figure.spread
        length = max(1.0, figure.median * scale)
        middle = top + BAR / 2
        title = "OpenSSL alone" if row.relay == "handshakes" and name == "relay" else TITLES[name]
        parts.append(f'<text x="{LEFT - 8}" y="{middle + 4.5:.1f}" text-anchor="end">{html.escape(title)}</text>'
                     f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" rx="3" fill="{COLOURS[name]}"/>')
        if high > low:
            parts.append(f'<path class="whisker" d="M{LEFT + low * scale:.1f} {middle}H{LEFT + high * scale:.1f}'
                         f'm0 -5v10M{LEFT + low * scale:.1f} {middle - 5}v10"/>')
        parts.append(f'<text x="{LEFT + max(length, high * scale) + 8:.1f}" y="{middle + 4.5:.1f}">'
                     f'{html.escape(cell(figure))} {html.escape(row.unit)}</text>')
    height = len(shown) * (BAR + GAP)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(row.title)}">{"".join(parts)}</svg>'


def curves(figures):
    """Latency by percentile, both logarithmic, from the last round's distributions."""
    found = []
    for name, figure in figures.items():
        results = [sample.result for sample in figure.samples if sample.result and sample.result.get("latency_us")]
        points = [(p, v) for p, v in (results[-1]["latency_us"].get("curve") or []) if v > 0 and p < 100] if results else []
        if len(points) > 1:
            found.append((name, points))
    if not found:
        return ""
    values = [value for _, points in found for _, value in points]
    bottom, top = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    top = max(top, bottom + 1)
    width, height, right = WIDTH - 90, 260, 4.0   # up to 99.99 %

    def x(percentile):
        return 70 + min(-math.log10(max(1 - percentile / 100, 1e-9)), right) / right * (width - 20)

    def y(value):
        return 10 + (top - math.log10(value)) / (top - bottom) * (height - 20)

    parts = []
    for power in range(bottom, top + 1):
        label = (f"{10 ** power / 1e6:g} s" if power >= 6 else f"{10 ** power / 1000:g} ms" if power >= 3
                 else f"{10 ** power:g} µs")
        parts.append(f'<path class="axis" d="M70 {y(10 ** power):.1f}H{width + 50}"/><text class="soft" x="62" '
                     f'y="{y(10 ** power) + 4:.1f}" text-anchor="end">{label}</text>')
    for percentile in (0, 50, 90, 99, 99.9, 99.99):
        parts.append(f'<text class="soft" x="{x(percentile):.1f}" y="{height + 12}" text-anchor="middle">{percentile:g} %</text>')
    for name, points in found:
        line = " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2.5"/>')
    legend = "".join(f'<span><i style="background:{COLOURS[name]}"></i>{TITLES[name]}</span>' for name, _ in found)
    return (f'<svg viewBox="0 0 {WIDTH} {height + 24}" role="img" aria-label="latency by percentile">{"".join(parts)}</svg>'
            f'<div class="legend">{legend}</div>')


CLASSES = {True: "reached", False: "missed", None: "unknown"}


def must(verdict):
    text = html.escape(verdict.text + ratio_text(verdict))
    return f'<li class="{CLASSES[verdict.reached]}">{text}</li>'


def summary(rows, results):
    """All rows in one table."""
    lines = []
    for row in rows:
        figures = results[row.name]
        peer = better_peer(figures)[0]
        musts = "".join(must(verdict) for verdict in row.judge(figures))
        mine = figures["rondel"].median if "rondel" in figures else None
        lines.append(f'<tr><td><a href="#{row.name}">{html.escape(row.title)}</a></td>'
                     f'<td>{number(mine)} {html.escape(row.unit)}</td>'
                     f'<td>{times(figures, "rondel", "relay")}</td><td>{times(figures, peer, "rondel") if peer else "–"}</td>'
                     f'<td><ul class="musts">{musts}</ul></td></tr>')
    return ('<section><div class="wide"><table><tr><th>what</th><th>Rondel</th><th>of the limit</th>'
            f'<th>better peer, of Rondel</th><th>to be reached</th></tr>{"".join(lines)}</table></div></section>')


def section(row, figures):
    musts = "".join(must(verdict) for verdict in row.judge(figures))
    curve = curves(figures) if row.name == "latency" else ""
    return (f'<section id="{row.name}"><h2>{html.escape(row.title)}</h2>{bars(row, figures)}{curve}'
            f'<ul class="musts">{musts}</ul></section>')


def page(contest, rows, results, rounds):
    """One file, without scripts and without anything from elsewhere."""
    verdicts = [verdict for row in rows for verdict in row.judge(results[row.name])]
    reached = sum(verdict.reached is True for verdict in verdicts)
    heads = "".join(f'<p class="head">{html.escape(line)}</p>' for line in head_lines(contest, rounds, rows))
    sections = "".join(section(row, results[row.name]) for row in rows)
    problems = problem_lines(results)
    wrong = ("<section><h2>What went wrong</h2><ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in problems)
             + "</ul></section>") if problems else ""
    return (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Rondel compared</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body><main>'
            f'<h1>Rondel compared</h1>{heads}<p class="head">Bars are medians, whiskers the lowest and highest round; '
            f'{reached} of {len(verdicts)} numbers reached. Shorter bars are better, but for shards.</p>'
            f'{summary(rows, results)}{sections}{wrong}</main></body></html>\n')
