"""The style sheet of a report: light and dark, wide and narrow, screen and paper."""

_LIGHT = """
  --page: #f6f7f9; --card: #ffffff; --ink: #16202c; --soft: #566273; --line: #dde2e9; --grid: #e9edf2;
  --accent: #1d5fd1; --wash: #1d5fd11c; --good: #11734b; --bad: #a3360f; --oracle: #0c8577; --mix: #6b7685;
  --c0: #b3541e; --c1: #7a4fc4; --c2: #b0306a; --c3: #6c7a12; --c4: #0f7ea8; --c5: #8a5a2b; --c6: #5560c9;
  --c7: #a8323e;
"""

_DARK = """
  --page: #10151c; --card: #182029; --ink: #e6ebf2; --soft: #9daabb; --line: #2d3846; --grid: #253040;
  --accent: #6ea8ff; --wash: #6ea8ff26; --good: #5fd39b; --bad: #ff9b73; --oracle: #47c9b8; --mix: #98a5b6;
  --c0: #f0996a; --c1: #b79bf5; --c2: #f07fb0; --c3: #bccb5c; --c4: #5cc3ea; --c5: #d0a176; --c6: #9aa3ff;
  --c7: #f28b95;
"""

_SCREEN = """
* { box-sizing: border-box }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main, header, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px }
header { padding-top: 40px }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em }
h2 { font-size: 1.45rem; line-height: 1.25; margin: 0 0 6px; overflow-wrap: anywhere }
h3 { font-size: 1.05rem; margin: 36px 0 10px }
p { margin: 0 0 10px }
a { color: var(--accent) }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 12px 0 0 }
.evaluation { padding: 28px 0 12px; border-top: 1px solid var(--line); margin-top: 24px }
.lead { color: var(--soft); overflow-wrap: anywhere }
.lead b, .facts b { color: var(--ink); font-weight: 600 }
.facts { display: flex; flex-wrap: wrap; gap: 2px 22px; color: var(--soft); font-size: 0.92rem;
  margin: 0 0 20px; padding: 0; list-style: none; overflow-wrap: anywhere }
.facts li { min-width: 0 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(205px, 1fr)); gap: 14px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px 14px }
.card p { margin: 0 }
.card .label { color: var(--soft); font-size: 0.88rem }
.card .figure { font-size: 2.1rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.02em;
  font-variant-numeric: tabular-nums }
.card .good { color: var(--good) }
.card .bounds, .card .achieved { font-size: 0.85rem; color: var(--soft) }
.card .achieved span { white-space: nowrap }
.card .achieved { margin-top: 8px }
.card .achieved b { color: var(--ink); font-weight: 600 }
.card .missed { font-size: 0.85rem; color: var(--bad); margin-top: 4px }
.card sup { font-size: 0.9rem; font-weight: 400 }
.bar { display: block; width: 100%; height: 12px; margin: 4px 0 }
.bar .track { stroke: var(--grid); stroke-width: 4; stroke-linecap: round }
.bar .zero { stroke: var(--soft); stroke-width: 1 }
.bar .range { stroke: var(--accent); stroke-opacity: 0.4; stroke-width: 4; stroke-linecap: round }
.bar circle { fill: var(--accent) }
figure { margin: 0 }
.chart { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 16px 12px }
.plot, .diagram { display: block; width: 100%; height: auto; font-family: inherit }
.narrow { display: none }
svg text { fill: var(--ink); font-size: 12px }
.axes line { stroke: var(--grid) }
.axes .tick { stroke: var(--soft) }
.axes text { fill: var(--soft); font-variant-numeric: tabular-nums }
.curve { fill: none }
.curve polyline, .curve line { stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round }
.oracle polyline, .oracle line { stroke: var(--oracle); stroke-width: 1.75; stroke-dasharray: 8 4 }
.mix polyline, .mix line { stroke: var(--mix); stroke-width: 2.25 }
.hindsight polyline, .hindsight line { stroke: var(--mix); stroke-dasharray: 2 4 }
.other polyline, .other line { stroke-opacity: 0.8 }
.chosen polyline, .chosen line { stroke: var(--accent); stroke-width: 3.25 }
.chosen circle { fill: var(--card); stroke: var(--accent); stroke-width: 2 }
.other circle, .mix circle, .oracle circle, .hindsight circle { fill: var(--soft) }
.gain { fill: var(--wash) }
.level { stroke: var(--soft); stroke-dasharray: 1 5; stroke-linecap: round }
.leader { stroke: var(--soft); stroke-opacity: 0.6; stroke-width: 1 }
.mark circle, .mark polygon { fill: var(--ink); stroke: var(--card); stroke-width: 1.5 }
.mark.cheapest circle { fill: var(--card); stroke: var(--ink); stroke-width: 2.5 }
.label { paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round }
svg .label.best, svg .label.cheapest { font-weight: 650 }
svg .label.fixed { fill: var(--soft) }
.color-0 { stroke: var(--c0) } .color-1 { stroke: var(--c1) } .color-2 { stroke: var(--c2) }
.color-3 { stroke: var(--c3) } .color-4 { stroke: var(--c4) } .color-5 { stroke: var(--c5) }
.color-6 { stroke: var(--c6) } .color-7 { stroke: var(--c7) }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 0.9rem; padding: 10px 8px 2px }
.legend label { display: inline-flex; align-items: center; gap: 7px; cursor: pointer; min-width: 0 }
.legend span { overflow-wrap: anywhere }
.legend input { accent-color: var(--accent); margin: 0 }
.swatch { width: 28px; height: 12px; flex: none }
strong { font-size: 0.75em; font-weight: 650; background: var(--wash); color: var(--accent);
  border-radius: 99px; padding: 2px 8px; vertical-align: 0.1em }
.diagrams strong { all: unset; font-weight: 600; overflow-wrap: anywhere }
.remark { color: var(--soft); font-size: 0.88rem; margin: 8px 8px 4px; overflow-wrap: anywhere }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px }
.scroll:focus-visible { outline: 2px solid var(--accent) }
table { border-collapse: collapse; width: 100%; font-size: 0.88rem; font-variant-numeric: tabular-nums }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
th, td { padding: 8px 12px; text-align: right; vertical-align: top; white-space: nowrap }
th { font-weight: 600 }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; white-space: normal;
  border-bottom: 1px solid var(--line) }
th:first-child { text-align: left }
tbody th { font-weight: 500; white-space: normal; overflow-wrap: anywhere; min-width: 11em }
tbody th { position: sticky; left: 0; background: var(--card) }
tr.chosen > th { background: linear-gradient(var(--wash), var(--wash)) var(--card) }
tbody tr + tr > * { border-top: 1px solid var(--grid) }
td small { display: block; color: var(--soft); font-size: 0.85em }
.words { text-align: left }
tr.chosen > td { background: var(--wash) }
tr.control > * { color: var(--soft) }
.quiet { color: var(--soft); font-size: 0.9em }
details { margin-top: 12px }
summary { cursor: pointer; color: var(--accent); font-size: 0.92rem; margin-bottom: 8px }
.diagrams { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 14px }
.diagrams figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 12px }
.diagrams figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 12px;
  font-size: 0.88rem; padding: 2px 4px }
.diagrams figcaption span { color: var(--soft) }
.diagram { max-width: 300px; margin: 0 auto }
.diagonal { stroke: var(--soft); stroke-dasharray: 3 4 }
.reliable { fill: none; stroke: var(--accent); stroke-width: 2 }
.bin { fill: var(--accent); fill-opacity: 0.45; stroke: var(--accent) }
.notes { color: var(--soft); font-size: 0.85rem; margin: 16px 0 0; padding-left: 1.6em }
.terms { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 12px 28px;
  margin: 0; font-size: 0.92rem }
dt { font-weight: 600 }
dd { margin: 0; color: var(--soft) }
footer { color: var(--soft); font-size: 0.85rem; padding-top: 28px; padding-bottom: 40px }
@media (max-width: 640px) {
  main, header, footer { padding-left: 14px; padding-right: 14px }
  header { padding-top: 24px }
  h1 { font-size: 1.5rem }
  .chart { padding: 8px 6px }
  .wide { display: none }
  .narrow { display: block }
}
"""

_PAPER = """
  html { font-size: 10px }
  body { font-size: 1rem; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  main, header, footer { max-width: none; padding-left: 0; padding-right: 0 }
  .card, .chart, .diagrams figure, tr, .terms div { break-inside: avoid }
  .cards { grid-template-columns: repeat(4, 1fr) }
  .card { padding: 10px 12px }
  .scroll { overflow: visible }
  th, td { padding: 4px 6px }
  tbody th { min-width: 0 }
  h3 { break-after: avoid }
  .legend input, .legend label:has(input:not(:checked)), details:not([open]) { display: none }
  .wide { display: block } .narrow { display: none }
"""

STYLE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
{_SCREEN}
@media print {{
:root {{ color-scheme: light; {_LIGHT} --page: #ffffff }}
{_PAPER}
}}
"""
