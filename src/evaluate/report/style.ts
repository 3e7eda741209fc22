/**
 * The report's look, light and dark.
 *
 * @module
 */

/** Custom properties of the charts and the page. */
const LIGHT = `--page:#fff;--text:#1c1c1c;--soft:#5a5a5a;--line:#d8d8d8;--grid:#e4e4e4;--band:#f4f5f7;--accent:#0b57a4;
--series-0:#0072b2;--series-1:#d55e00;--series-2:#007f5c;--series-3:#b8508f;--series-4:#a86f00;--series-5:#3a8fc4;--series-6:#333`;
const DARK = `--page:#15171a;--text:#e8e8e8;--soft:#a8adb3;--line:#3a3f45;--grid:#2c3035;--band:#1e2125;--accent:#7db8ef;
--series-0:#56b4e9;--series-1:#ff9148;--series-2:#3ecf9f;--series-3:#e58fc4;--series-4:#f0b429;--series-5:#9ad1f5;--series-6:#ddd`;

/** For an SVG that is a file of its own; it has a background, because it may be shown on any. */
export const CHART_STYLE = `<style>:root{${LIGHT}}</style><rect width="100%" height="100%" fill="#fff"/>`;

export const STYLE = `:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:76rem;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 1rem}
h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{max-width:48rem}
.soft,figcaption,caption{color:var(--soft);font-size:.9rem}
.warning{border-left:4px solid var(--series-1);padding:.3rem .8rem;background:var(--band)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;font-size:.9rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow:auto;max-height:34rem;border:1px solid var(--line);border-radius:4px;margin:.6rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.4rem .6rem}
th,td{padding:.25rem .6rem;text-align:right;white-space:nowrap;border-top:1px solid var(--line)}
th:first-child{text-align:left;font-weight:500}
thead th{position:sticky;top:0;background:var(--band);border-top:0}
tbody tr:hover{background:var(--band)}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible,.scroll:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
.charts{display:flex;flex-wrap:wrap;gap:1rem}
.chart{max-width:100%;height:auto}
.cases{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:1.4rem}
figure{margin:0}
.compare{position:relative;overflow:hidden;border-radius:4px;background:var(--band);--split:50%}
.compare img{display:block;width:100%;height:auto}
.compare .over{position:absolute;inset:0;clip-path:inset(0 0 0 var(--split))}
.compare::after{content:"";position:absolute;top:0;bottom:0;left:var(--split);width:2px;margin-left:-1px;background:#fff;box-shadow:0 0 3px #000;pointer-events:none}
.compare span{position:absolute;top:.4rem;padding:0 .5rem;border-radius:3px;background:#000a;color:#fff;font-size:.8rem}
.compare .left{left:.4rem}.compare .right{right:.4rem}
input[type=range]{width:100%;margin:.5rem 0 .1rem;accent-color:var(--accent)}
label{font-size:.9rem}
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}
@media print{.scroll{max-height:none}input,label{display:none}}`;

/** Sorting of tables, and the sliders. It runs in the report, which has no other script. */
export const SCRIPT = `for(const table of document.querySelectorAll('table.sortable')){
const body=table.tBodies[0];
table.querySelectorAll('thead button').forEach((button,column)=>button.addEventListener('click',()=>{
const head=button.parentElement,down=head.getAttribute('aria-sort')==='ascending';
for(const other of head.parentElement.children)other.removeAttribute('aria-sort');
head.setAttribute('aria-sort',down?'descending':'ascending');
const key=row=>{const cell=row.cells[column],value=cell.dataset.value;return value===undefined?cell.textContent:Number(value)};
const order=(a,b)=>typeof a==='number'&&typeof b==='number'?a-b:String(a).localeCompare(String(b),undefined,{numeric:true});
const rows=[...body.rows].sort((a,b)=>order(key(a),key(b)));
body.append(...(down?rows.reverse():rows));
}));
}
for(const figure of document.querySelectorAll('figure.case')){
const frame=figure.querySelector('.compare'),range=figure.querySelector('input[type=range]');
range.addEventListener('input',()=>frame.style.setProperty('--split',range.value+'%'));
const choice=figure.querySelector('input[type=checkbox]');
if(choice)choice.addEventListener('change',()=>{
const left=frame.querySelector('img.under');
[left.src,left.dataset.other]=[left.dataset.other,left.src];
frame.querySelector('.left').textContent=choice.checked?'target':'degraded';
});
}
for(const figure of document.querySelectorAll('figure.contest')){
const frame=figure.querySelector('.compare'),pictures=figure.querySelectorAll('.sources img');
for(const select of figure.querySelectorAll('select'))select.addEventListener('change',()=>{
const side=select.dataset.side,chosen=pictures[select.selectedIndex];
frame.querySelector(side==='left'?'img.under':'img.over').src=chosen.src;
frame.querySelector('span.'+side).textContent=chosen.alt;
});
}`;
