/** The look of the status page: light and dark, from a telephone to a wall, without anything from elsewhere. */

import { COLUMN_NAMES } from "./worker-table.ts";

/** A card names its values; a screen reader hears the names of the columns already. */
const CARD_NAMES = COLUMN_NAMES.map(
  // The slot is the card's title, and a state says itself what it is.
  (name, index) => (index < 2 ? "" : `td:nth-child(${index + 1})::before{content:"${name}";content:"${name}"/""}`),
).join("");

export const STYLE = `
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--ink:#15202e;--soft:#526073;--line:#dce2ea;--accent:#1a63d6;
--good:#14713f;--warn:#8a5700;--bad:#b8242a;--wait:#4d5a6c;--hot:#c26f00;--area:#1a63d61f}
@media(prefers-color-scheme:dark){:root{--bg:#0e1319;--card:#161d26;--ink:#e7ecf3;--soft:#9dabbd;--line:#2a3542;
--accent:#78b0ff;--good:#4cc98d;--warn:#e6b441;--bad:#ff8488;--wait:#a3b1c2;--hot:#e6b441;--area:#78b0ff26}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
font-variant-numeric:tabular-nums}
header,main,footer{max-width:78rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.4rem}
.who{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem .9rem}
h1{font-size:1.5rem;line-height:1.2;margin:0;letter-spacing:-.015em;overflow-wrap:anywhere;min-width:0}
h2{font-size:1rem;margin:0 0 .7rem}
h2 small{font-weight:400;margin-left:.4rem}
p{margin:0}
small{font-size:.85rem;color:var(--soft);font-weight:400}
.soft,footer{color:var(--soft)}
small.bad,td>.bad,dd.bad,.note.bad h2,li.bad b{color:var(--bad)}
dd.warn,.note.warn h2,li.warn b{color:var(--warn)}
li.good b{color:var(--good)}
.facts{list-style:none;margin:.35rem 0 0;padding:0;color:var(--soft);display:flex;flex-wrap:wrap;gap:0 1.2rem}
.facts li{overflow-wrap:anywhere;min-width:0}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1rem 1.1rem;margin:1rem 0}
section.bare{background:none;border:0;padding:0}
.state{display:inline-flex;align-items:center;gap:.4rem;border:1px solid;border-radius:99px;padding:0 .6rem;font-size:.86rem;
font-weight:600;line-height:1.5rem;white-space:nowrap}
.state::before{content:"";width:.55rem;height:.55rem;border-radius:50%;background:currentColor;flex:none}
.state.draining::before{border-radius:1px}
.state.silent::before{border-radius:0;width:.7rem;height:.2rem}
.state.degraded::before,.state.waiting::before,.state.booting::before,.state.starting::before{background:none;border:2px solid}
.state.good{color:var(--good)}.state.warn{color:var(--warn)}.state.bad{color:var(--bad)}.state.wait{color:var(--wait)}
header .state{font-size:.95rem;line-height:1.8rem;padding:0 .8rem}
.note{border-left-width:5px;overflow-wrap:anywhere}
.note h2{margin-bottom:.25rem}
.note.warn{border-left-color:var(--warn)}.note.bad{border-left-color:var(--bad)}.note.wait{border-left-color:var(--accent)}
progress{appearance:none;display:block;width:100%;height:.5rem;margin-top:.6rem;border:0;border-radius:99px;overflow:hidden;
background:var(--line)}
progress::-webkit-progress-bar{background:var(--line)}
progress::-webkit-progress-value{background:var(--accent)}
progress::-moz-progress-bar{background:var(--accent)}
dl,dd{margin:0}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:.8rem}
.tiles>div{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:.75rem 1rem .8rem;min-width:0}
dt,dd.more{color:var(--soft);font-size:.86rem;overflow-wrap:anywhere}
dd{font-size:1.75rem;font-weight:650;letter-spacing:-.02em;line-height:1.3;white-space:nowrap}
dd.more{font-weight:400;letter-spacing:0;line-height:1.45;white-space:normal}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));gap:1.2rem 2rem}
figure{margin:0;min-width:0}
figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.1rem 1rem;font-size:.9rem;margin-bottom:.6rem}
.keys{display:flex;flex-wrap:wrap;gap:0 .9rem;color:var(--soft)}
.key{display:flex;align-items:center;gap:.4rem}
.key::before{content:"";width:1.1rem;border-top:2.5px solid var(--accent)}
.key.lower::before{border-top-style:dashed}
.key.bars::before{width:.3rem;height:.8rem;border:0;background:var(--bad)}
.key.change::before,.key.failure::before{width:0;height:.9rem;border:0;border-left:2px dotted var(--soft)}
.key.failure::before{border-left:2px dashed var(--bad)}
.plot{position:relative;display:grid;grid-template-columns:1fr auto;gap:.5rem}
.plot svg{display:block;width:100%;height:7rem;overflow:visible}
.plot path{fill:none;stroke:var(--accent);stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round;
stroke-linecap:round}
.plot .grid{stroke:var(--line);stroke-width:1}
.plot .area{fill:var(--area);stroke:none}
.plot .lower{stroke-dasharray:2 5}
.plot .change,.plot .failure{stroke:var(--soft);stroke-width:1.5;stroke-linecap:butt;stroke-dasharray:2 3}
.plot .failure{stroke:var(--bad);stroke-dasharray:5 3}
.plot .bars{stroke:var(--bad);stroke-width:4;stroke-linecap:butt}
.empty{position:absolute;inset:0 3.7rem 0 0;padding-top:1.1rem;text-align:center;color:var(--soft);font-size:.86rem}
.axis,.times{color:var(--soft);font-size:.8rem}
.axis{display:flex;flex-direction:column;justify-content:space-between;margin:-.6em 0;text-align:right;min-width:3.2rem}
.axis i{font-style:normal;line-height:1.2}
.times{display:flex;justify-content:space-between;margin:.3rem 3.7rem 0 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{padding:.45rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{padding-left:0}
td:last-child,th:last-child{padding-right:0}
th{color:var(--soft);font-weight:500;font-size:.86rem}
tbody th{color:var(--ink);font-weight:650;font-size:1rem}
tbody tr:last-child>*{border-bottom:0}
th.text,td.text,th.cause,td.cause{text-align:left}
.dense th,.dense td{padding-top:.18rem;padding-bottom:.18rem}
td.cause{white-space:normal;min-width:13rem;overflow-wrap:anywhere}
.meter{display:inline-block;width:2.5rem;height:.4rem;border-radius:99px;background:var(--line);margin-left:.5rem;
vertical-align:.12em;fill:var(--accent);overflow:hidden}
.meter.hot{fill:var(--hot)}
ol{list-style:none;margin:0;padding:0}
ol>li{display:grid;grid-template-columns:auto 5.2rem 1fr;gap:0 .9rem;padding:.5rem 0 .5rem 1.1rem;border-bottom:1px solid var(--line);
position:relative;--dot:var(--soft)}
ol>li:last-child{border-bottom:0;padding-bottom:0}
ol>li::before{content:"";position:absolute;left:0;top:.95rem;width:.55rem;height:.55rem;border-radius:50%;background:var(--dot)}
ol>li.good{--dot:var(--good)}ol>li.warn{--dot:var(--warn)}ol>li.bad{--dot:var(--bad)}ol>li.wait{--dot:var(--accent)}
ol>li>div{min-width:0;overflow-wrap:anywhere}
li b{font-weight:650}
li span{color:var(--soft)}
.ago{padding-top:.1em}
time{white-space:nowrap}
ol time{min-width:4.2rem}
details{margin-top:.25rem}
summary{cursor:pointer;color:var(--accent);width:max-content;max-width:100%;padding:.15rem 0;overflow-wrap:anywhere}
summary code{color:var(--soft);font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin-left:.3rem}
[open]>summary code{display:none}
p code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--ink)}
pre{margin:.3rem 0 .2rem;padding:.7rem .8rem;border-radius:8px;background:var(--bg);border:1px solid var(--line);overflow-x:auto;
font:13px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;overflow-wrap:normal}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
footer{padding-bottom:2rem;font-size:.9rem}
#connection:empty{display:none}
#connection{position:sticky;top:0;z-index:1;padding:.6rem max(1rem,50vw - 38rem);background:var(--bad);color:var(--card);font-weight:600}
.stale header,.stale main{filter:grayscale(1)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media(prefers-reduced-motion:no-preference){.meter rect{transition:width .4s}}
@media(max-width:64rem){
section{padding:.9rem}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody{display:block}
tbody tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(5.6rem,1fr));gap:.35rem .8rem;padding:.8rem 0;align-items:start;
border-bottom:1px solid var(--line)}
.tiles{grid-template-columns:repeat(3,1fr)}
tbody tr:first-child{padding-top:0}tbody tr:last-child{border-bottom:0;padding-bottom:0}
th,td{display:block;padding:0;border:0;text-align:left;white-space:normal;overflow-wrap:anywhere}
tbody th{grid-column:1}
tbody th::before{content:"Slot ";content:"Slot "/""}
td::before{display:block;color:var(--soft);font-size:.8rem}
td:nth-child(2){grid-column:2/-1}
td:nth-child(3){grid-column:1}
td.cause{grid-column:1/-1}
td small{display:block}td:nth-child(2) small{display:inline-block}
td.none{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
${CARD_NAMES}}
@media(max-width:34rem){
.tiles{grid-template-columns:1fr 1fr;gap:.6rem}
.tiles>div{padding:.6rem .8rem}
dd{font-size:1.5rem}
ol>li{grid-template-columns:auto 1fr}
ol>li>div{grid-column:1/-1}}
`;
