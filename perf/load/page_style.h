// The style sheet of result pages, light and dark.
#pragma once

#include <string_view>

namespace rondel::load {

/// Colours of series, .c0 to .c5 for lines and .b0 to .b5 for areas.
inline constexpr int kColours = 6;

inline constexpr std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5b6675;--line:#e3e7ed;
--grid:#e9ecf1;--good:#1a7f47;--bad:#c02b2b;--warn:#8a5a00;--shade:#2f6fe010;
--s0:#2f6fe0;--s1:#e0700f;--s2:#1f9d6b;--s3:#9a4ddb;--s4:#d3417f;--s5:#0f8fa8}
@media (prefers-color-scheme:dark){:root{--page:#10141a;--card:#181e27;--ink:#e8ecf2;--soft:#9aa6b5;
--line:#2a323e;--grid:#262e39;--good:#57d190;--bad:#ff7b7b;--warn:#f0b352;--shade:#6ea4ff14;
--s0:#6ea4ff;--s1:#ff9c4a;--s2:#4fd1a0;--s3:#c58cff;--s4:#ff83b4;--s5:#52cfe6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1180px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.02em}
h2{font-size:21px;margin:44px 0 4px;letter-spacing:-.01em}
p{margin:0}.lead{color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin:20px 0}
.tile,figure,.table{background:var(--card);border:1px solid var(--line);border-radius:12px}
.tile{padding:14px 18px}.tile b{display:block;font-size:26px;letter-spacing:-.02em;line-height:1.25}
.tile span{color:var(--soft);font-size:13px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr));gap:16px;margin:16px 0}
figure{margin:0;padding:16px 18px 12px}figcaption{font-weight:600}
figcaption small{display:block;font-weight:400;color:var(--soft);font-size:13px}
svg{display:block;width:100%;height:auto;margin-top:8px;overflow:visible}
.legend{font-size:13px;color:var(--soft);margin-top:6px;min-height:20px}
.legend span{margin-right:16px;white-space:nowrap}
.legend i{display:inline-block;width:16px;height:3px;border-radius:2px;margin-right:6px;vertical-align:middle}
text{fill:var(--ink);font-size:13px}.tick{fill:var(--soft);font-size:12px}
.name{font-weight:600}.value{fill:var(--soft)}
.grid{stroke:var(--grid)}.axis,.mark{stroke:var(--line)}.shade{fill:var(--shade)}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}.dashed{stroke-dasharray:1 5}
.hit{opacity:0}.hit:hover{opacity:1}
.table{overflow-x:auto;margin:16px 0}table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:9px 16px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}tr:last-child td{border-bottom:0}
thead th{color:var(--soft);font-weight:500;font-size:13px}td.best{font-weight:700;color:var(--good)}
td i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:9px}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
ul{margin:8px 0;padding-left:20px}details{margin-top:12px;color:var(--soft)}summary{cursor:pointer}
details table{width:auto}details td{padding:3px 16px 3px 0;border:0;text-align:left}
footer{margin-top:40px;color:var(--soft);font-size:13px}
.c0{stroke:var(--s0)}.c1{stroke:var(--s1)}.c2{stroke:var(--s2)}.c3{stroke:var(--s3)}.c4{stroke:var(--s4)}
.c5{stroke:var(--s5)}
.b0{fill:var(--s0);background:var(--s0);border-color:var(--s0)}
.b1{fill:var(--s1);background:var(--s1);border-color:var(--s1)}
.b2{fill:var(--s2);background:var(--s2);border-color:var(--s2)}
.b3{fill:var(--s3);background:var(--s3);border-color:var(--s3)}
.b4{fill:var(--s4);background:var(--s4);border-color:var(--s4)}
.b5{fill:var(--s5);background:var(--s5);border-color:var(--s5)}
.legend i.dash{background:none;border-width:3px 0 0;border-style:dotted;height:0;border-radius:0}
)css";

}  // namespace rondel::load
