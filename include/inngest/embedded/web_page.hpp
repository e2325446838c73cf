#pragma once

#include <string_view>

// The web page of the embedded engine: markup, style and script in one text, without a build step. It asks
// for nothing but the engine's own API, and puts all that it gets into the page as text.
//
// tests/embedded/page/run.sh tries it in a browser.

namespace inngest::embedded {

/// The page's Content-Security-Policy: the page needs no more than this.
inline constexpr std::string_view web_page_policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src "
    "data:";

/// The page, as text/html in UTF-8.
inline constexpr std::string_view web_page = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>inngest-cpp</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%23232220'/%3E%3Cpath d='M3.5 4.8h5M6 8h6M9 11.2h3.5' stroke='%23fff' stroke-width='1.8' stroke-linecap='round'/%3E%3C/svg%3E">
<style>)page"
                                             // The style.
                                             R"page(
:root {
  color-scheme: light dark;
  --paper: light-dark(#f7f6f3, #121314);
  --sheet: light-dark(#fffefc, #191a1c);
  --raised: light-dark(#ffffff, #212326);
  --hover: light-dark(#f2f0eb, #202225);
  --chosen: light-dark(#eceae3, #292c30);
  --line: light-dark(#e6e2da, #2c2e32);
  --edge: light-dark(#8d877c, #6d7077);
  --ink: light-dark(#1e1d1b, #ebe9e4);
  --soft: light-dark(#645f57, #a5a29b);
  --focus: light-dark(#2457c5, #8ab4ff);
  --blue: light-dark(#1f5cc4, #7fb0ff);
  --green: light-dark(#17734a, #58c492);
  --red: light-dark(#bb2430, #ff8585);
  --amber: light-dark(#8a5a00, #e5b454);
  --violet: light-dark(#6a48bd, #b9a1ff);
  --orange: light-dark(#a9470d, #ffa264);
  --grey: light-dark(#66625b, #a8a59e);
  --sans: Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", SFMono-Regular, "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --side: clamp(340px, 31vw, 460px);
}
[data-s] { --c: var(--grey); }
[data-s=running] { --c: var(--blue); }
[data-s=completed] { --c: var(--green); }
[data-s=failed], [data-s=timed_out] { --c: var(--red); }
[data-s=sleeping] { --c: var(--violet); }
[data-s=waiting] { --c: var(--amber); }
[data-s=retrying] { --c: var(--orange); }

*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { font: 14px/1.5 var(--sans); color: var(--ink); background: var(--paper); -webkit-text-size-adjust: 100%; }
body { margin: 0; height: 100dvh; display: grid; grid-template-rows: auto auto minmax(0, 1fr); overflow: hidden; }
h1, h2, h3, p, dl, dd, pre, ul { margin: 0; padding: 0; }
h2 { font-size: 22px; line-height: 1.25; font-weight: 640; letter-spacing: -.018em; overflow-wrap: anywhere; }
h3 { font-size: 12px; line-height: 20px; font-weight: 600; color: var(--soft); }
a { color: inherit; text-decoration-color: var(--edge); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
code, pre, .mono { font-family: var(--mono); font-size: 12.5px; font-variant-ligatures: none; }
svg { width: 16px; height: 16px; flex: none; display: block; fill: none; stroke: currentColor; stroke-width: 1.6;
  stroke-linecap: round; stroke-linejoin: round; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.grow { flex: 1; min-width: 0; }
.soft { color: var(--soft); }

button, input, select, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
.button { display: inline-flex; align-items: center; gap: 7px; height: 34px; padding: 0 13px; border-radius: 8px;
  border: 1px solid var(--line); background: var(--raised); font-weight: 540; white-space: nowrap; text-decoration: none; }
.button:hover { background: var(--hover); }
.button.first { background: var(--ink); border-color: var(--ink); color: var(--paper); }
.button.first:hover { opacity: .88; }
.button.bad { color: var(--red); }
.button:disabled { opacity: .45; cursor: default; }
.button.plain { border-color: transparent; background: none; color: var(--soft); padding: 0 9px; }
.button.plain:hover { background: var(--hover); color: var(--ink); }
.button.small { height: 26px; padding: 0 9px; font-size: 12.5px; border-radius: 6px; }
.field { height: 34px; padding: 0 11px; border-radius: 8px; border: 1px solid var(--line); background: var(--raised); min-width: 0; }
.field::placeholder { color: var(--soft); opacity: 1; }
.field[aria-invalid=true] { border-color: var(--red); }

header { display: flex; align-items: center; gap: 6px 28px; padding: 12px 20px 0; flex-wrap: wrap; }
h1 { display: flex; align-items: center; gap: 10px; font-size: 15px; font-weight: 650; letter-spacing: -.01em; }
h1 svg { width: 22px; height: 22px; padding: 4px; border-radius: 6px; background: var(--ink); color: var(--paper); stroke-width: 1.9; }
.tabs { display: flex; gap: 2px; }
.tabs button { height: 34px; padding: 0 12px; border: 0; border-radius: 8px; background: none; color: var(--soft); font-weight: 540; }
.tabs button:hover { color: var(--ink); }
.tabs [aria-selected=true] { color: var(--ink); background: var(--chosen); }
.tools { display: flex; align-items: center; gap: 8px; margin-left: auto; }
#link { display: flex; align-items: center; gap: 7px; color: var(--soft); font-size: 12.5px; margin-right: 6px; }
#link i { width: 8px; height: 8px; border-radius: 50%; background: var(--green); }
#link.lost { color: var(--red); }
#link.lost i { background: none; border: 2px solid var(--red); border-radius: 2px; }

#bar { display: flex; align-items: center; gap: 10px 12px; padding: 12px 20px; flex-wrap: wrap; border-bottom: 1px solid var(--line); }
.chips { display: flex; gap: 6px; flex-wrap: wrap; }
.chip { display: inline-flex; align-items: center; gap: 6px; height: 30px; padding: 0 11px; border-radius: 15px;
  border: 1px solid var(--line); background: none; color: var(--soft); font-size: 13px; white-space: nowrap; }
.chip svg { width: 14px; height: 14px; color: var(--c); }
.chip b { font-weight: 560; color: var(--ink); font-variant-numeric: tabular-nums; }
.chip:hover { background: var(--hover); }
.chip[aria-pressed=true] { background: var(--ink); border-color: var(--ink); color: var(--paper); }
.chip[aria-pressed=true] :is(b, svg) { color: inherit; }
#find { width: 270px; }
#only { max-width: 220px; }

main { display: grid; grid-template-columns: var(--side) minmax(0, 1fr); min-height: 0; }
.side { position: relative; display: flex; min-height: 0; border-right: 1px solid var(--line); }
.list { flex: 1; overflow-y: auto; overflow-x: hidden; overflow-anchor: none; scrollbar-width: thin; min-width: 0; }
.list:focus-visible { outline-offset: -2px; }
.sheet { position: relative; }
.row { position: absolute; inset: 0 0 auto; height: 62px; padding: 0 18px 0 20px; display: grid; column-gap: 12px; row-gap: 1px;
  grid-template-columns: 16px minmax(0, 1fr) auto; align-content: center; cursor: pointer; border-bottom: 1px solid var(--line); }
.row:hover { background: var(--hover); }
.row[aria-selected=true] { background: var(--chosen); }
.row > svg { color: var(--c); grid-row: 1 / 3; margin-top: 3px; }
.row .name { font-weight: 560; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.row .name span { font-weight: 400; color: var(--soft); margin-left: 8px; }
.row .under { color: var(--soft); font-size: 12.5px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row .mono { font-size: 12px; line-height: 19px; }
.row .end { text-align: right; display: flex; justify-content: end; align-items: center; gap: 3px; }
.row .word { color: var(--c); }
.row .when { font-size: 12.5px; line-height: 21px; color: var(--soft); font-variant-numeric: tabular-nums; }
.list:focus-visible .row.active { box-shadow: inset 3px 0 var(--focus); background: var(--hover); }
.list:focus-visible .row.active[aria-selected=true] { background: var(--chosen); }
#fresh { position: absolute; top: 12px; left: 50%; translate: -50%; box-shadow: 0 6px 20px #0003; border-radius: 17px; }
.none { position: absolute; inset: 0; display: grid; align-content: center; justify-items: center; gap: 14px; padding: 32px;
  text-align: center; color: var(--soft); pointer-events: none; }
.none > * { pointer-events: auto; }

#detail { overflow-y: auto; background: var(--sheet); scrollbar-width: thin; padding: 28px 36px 64px; }
#detail > div { max-width: 1100px; margin: 0 auto; }
.keys { display: grid; grid-template-columns: auto auto; gap: 8px 20px; margin: 12vh auto 0; width: max-content; color: var(--soft); }
.keys p { grid-column: 1 / 3; font-size: 15px; color: var(--ink); margin-bottom: 10px; }
kbd { font: 12px/20px var(--mono); border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 5px; padding: 0 6px; background: var(--raised); }
.top { display: flex; gap: 12px 20px; align-items: flex-start; flex-wrap: wrap; }
.top > .grow { flex-basis: 300px; }
.acts { display: flex; gap: 8px; flex-wrap: wrap; }
.badge { display: inline-flex; align-items: center; gap: 6px; color: var(--c); font-weight: 560; font-size: 13px;
  height: 26px; padding: 0 10px 0 8px; border-radius: 13px; background: color-mix(in srgb, var(--c) 11%, transparent); }
.badge svg { width: 14px; height: 14px; }
.line { display: flex; align-items: center; gap: 4px 12px; flex-wrap: wrap; margin-top: 9px; color: var(--soft); }
.copy { border: 0; background: none; padding: 3px 5px; margin: -3px -5px; border-radius: 5px; text-align: left; overflow-wrap: anywhere; }
.copy:hover { background: var(--hover); color: var(--ink); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); gap: 16px 24px; margin-top: 24px; }
.facts dt { font-size: 12px; color: var(--soft); }
.facts dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
section { margin-top: 34px; }
.heading { display: flex; align-items: center; gap: 8px; min-height: 26px; margin-bottom: 8px; }
.heading h3 { margin-right: auto; }

.json { position: relative; border: 1px solid var(--line); border-radius: 10px; background: var(--paper); overflow: hidden; }
.json pre { padding: 13px 16px; overflow: auto; max-height: 60vh; line-height: 1.6; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 2; }
.json .more { width: 100%; height: 34px; border: 0; border-top: 1px solid var(--line); background: var(--sheet); color: var(--soft); font-size: 12.5px; }
.json .more:hover { color: var(--ink); }
.json .more:focus-visible, .json pre:focus-visible { outline-offset: -3px; border-radius: 9px; }
.k { color: var(--ink); } .s { color: var(--green); } .n { color: var(--blue); } .b { color: var(--violet); } .p { color: var(--soft); }
.error { border-left: 3px solid var(--red); padding: 2px 0 2px 16px; }
.error strong { color: var(--red); overflow-wrap: anywhere; }
.error p { overflow-wrap: anywhere; white-space: pre-wrap; }
.error pre { margin-top: 8px; color: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 40vh; overflow: auto; }

.fall { --name: minmax(150px, 27%); --took: 84px; position: relative; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.fall .strip { display: grid; grid-template-columns: var(--name) minmax(0, 1fr) var(--took); column-gap: 14px; align-items: center; width: 100%;
  min-height: 36px; padding: 0 14px; border: 0; background: none; text-align: left; position: relative; }
.fall button.strip:hover { background: var(--hover); }
.fall .strip:focus-visible { outline-offset: -2px; border-radius: 9px; }
.fall .strip[aria-expanded=true] { background: var(--hover); }
.fall .axis { min-height: 30px; border-bottom: 1px solid var(--line); background: var(--paper); color: var(--soft); font-size: 11.5px; }
.fall .axis .track span { position: absolute; top: 5px; translate: -50%; white-space: nowrap; font-variant-numeric: tabular-nums; }
.fall .axis .track span:first-child { translate: 0; }
.fall .axis .track span.last { translate: -100%; }
.fall .label { display: flex; align-items: center; gap: 9px; min-width: 0; }
.fall .label svg { color: var(--c); width: 15px; height: 15px; }
.fall .label b { font-weight: 500; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.fall .label small { color: var(--soft); font-size: 12px; }
.fall .whole b { font-weight: 620; }
.fall .took { text-align: right; font-size: 12.5px; color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.fall .grid { position: absolute; inset: 0; pointer-events: none; }
.track { position: relative; align-self: stretch; min-height: 30px; }
.track u { position: absolute; inset-block: 0; width: 1px; background: var(--line); }
.track em { position: absolute; inset-block: 0; background: repeating-linear-gradient(135deg, var(--line) 0 1px, transparent 1px 6px); }
.barr { position: absolute; top: 50%; height: 14px; margin-top: -7px; min-width: 4px; border-radius: 3px; background: var(--c); }
.barr[data-s=queued] { height: 2px; margin-top: -1px; background: var(--edge); border-radius: 0; min-width: 0; }
.barr[data-s=retrying] { height: 0; margin-top: -1px; background: none; border-top: 2px dashed var(--c); border-radius: 0; min-width: 0; }
.barr[data-s=sleeping] { background: repeating-linear-gradient(135deg, var(--c) 0 2px, transparent 2px 6px),
  color-mix(in srgb, var(--c) 18%, transparent); box-shadow: inset 0 0 0 1px var(--c); }
.barr[data-s=waiting] { background: radial-gradient(circle, var(--c) 1.1px, transparent 1.4px) 0 0 / 7px 7px,
  color-mix(in srgb, var(--c) 14%, transparent); box-shadow: inset 0 0 0 1px var(--c); }
.barr[data-s=failed]::after, .barr[data-s=timed_out]::after { content: ""; position: absolute; right: -2px; top: -3px; bottom: -3px; width: 3px; border-radius: 2px;
  background: var(--c); }
.barr[data-s=cancelled] { background: none; box-shadow: inset 0 0 0 1.5px var(--c); }
.barr[data-s=running] { background: linear-gradient(90deg, color-mix(in srgb, var(--c) 45%, transparent), var(--c)); }
.thin .barr { height: 6px; margin-top: -3px; }
.thin .barr[data-s=queued] { height: 2px; margin-top: -1px; }
.panel { position: relative; padding: 6px 16px 20px 38px; background: var(--hover); border-bottom: 1px solid var(--line); }
.panel .facts { margin-top: 8px; }
.panel .json, .panel table { margin-top: 16px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; font-weight: 500; font-size: 12px; color: var(--soft); }
th, td { padding: 5px 16px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; width: 45%; }
td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
td .word { display: inline-flex; align-items: center; gap: 6px; color: var(--c); }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin-top: 10px; font-size: 12px; color: var(--soft); }
.legend span { display: flex; align-items: center; gap: 7px; }
.legend i { position: relative; width: 20px; height: 14px; }
.legend .barr { inset-inline: 0; }
summary { cursor: pointer; width: max-content; padding: 2px 6px; margin: 0 -6px; border-radius: 6px; color: var(--soft); font-size: 12px; font-weight: 600; line-height: 20px; }
summary:hover { color: var(--ink); }
.scroll { overflow-x: auto; margin-top: 8px; }
.stack { display: grid; gap: 1px; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--line); }
.stack > * { display: flex; align-items: center; gap: 6px 14px; padding: 10px 16px; background: var(--sheet); text-decoration: none; flex-wrap: wrap; min-height: 46px; }
.stack > a:hover { background: var(--hover); }
.stack :focus-visible, .stack > :focus-visible { outline-offset: -2px; border-radius: 9px; }
.stack .word { display: flex; align-items: center; gap: 6px; color: var(--c); min-width: 104px; }

dialog { border: 1px solid var(--line); border-radius: 16px; padding: 26px 28px; background: var(--sheet); color: var(--ink);
  width: min(620px, calc(100vw - 24px)); max-height: calc(100dvh - 24px); box-shadow: 0 24px 80px #0005; }
dialog::backdrop { background: light-dark(#2a262055, #000a); }
dialog h2 { font-size: 19px; }
dialog label { display: block; font-size: 12px; font-weight: 600; color: var(--soft); margin: 18px 0 6px; }
dialog .field { width: 100%; }
dialog textarea { display: block; width: 100%; min-height: 210px; padding: 11px 13px; resize: vertical; line-height: 1.6; height: auto; }
dialog .chips { margin-top: 14px; max-height: 108px; overflow-y: auto; padding: 2px; margin-inline: -2px; }
.wrong { color: var(--red); font-size: 13px; min-height: 20px; margin-top: 5px; overflow-wrap: anywhere; }
.feet { display: flex; gap: 8px; justify-content: flex-end; margin-top: 14px; flex-wrap: wrap; }
.feet .plain { margin-right: auto; margin-left: -9px; }
#ask { width: min(430px, calc(100vw - 24px)); }
#ask p { margin-top: 8px; color: var(--soft); overflow-wrap: anywhere; }
#toasts { position: fixed; right: 20px; bottom: 20px; display: grid; gap: 8px; width: min(420px, calc(100vw - 40px)); z-index: 5; }
.toast { display: flex; gap: 12px; align-items: center; padding: 11px 14px 11px 16px; border-radius: 11px; background: var(--ink); color: var(--paper);
  box-shadow: 0 10px 32px #0004; overflow-wrap: anywhere; }
.toast.bad { background: var(--raised); color: var(--ink); box-shadow: inset 4px 0 var(--red), 0 10px 32px #0004; border: 1px solid var(--line); }
.toast button { border: 0; background: none; padding: 4px; border-radius: 6px; }

@media (prefers-reduced-motion: no-preference) {
  svg.running { animation: turn 1.3s linear infinite; }
  @keyframes turn { to { rotate: 1turn; } }
  .toast { animation: rise .18s ease-out; }
  @keyframes rise { from { opacity: 0; translate: 0 8px; } }
}
#back { display: none; }
@media (max-width: 860px) {
  header { padding: 10px 14px 0; }
  .tabs { order: 3; width: 100%; }
  .tabs button { flex: 1; }
  #link span { display: none; }
  #bar { padding: 10px 14px; }
  .chips { flex-wrap: nowrap; overflow-x: auto; margin: -3px -14px; padding: 3px 14px; max-width: 100vw; scrollbar-width: none; flex-shrink: 0; }
  dialog .chips { flex-wrap: wrap; }
  #find, #only { flex: 1 1 130px; width: auto; max-width: none; }
  main { grid-template-columns: minmax(0, 1fr); }
  .side { border: 0; }
  main.open .side, main:not(.open) #detail, body:has(main.open) #bar { display: none; }
  .row { padding: 0 14px; }
  #detail { padding: 14px 16px 48px; }
  #back { display: inline-flex; margin: 0 0 8px -9px; }
  .fall .strip { grid-template-columns: minmax(0, 1fr) auto; padding: 7px 12px; row-gap: 2px; }
  .fall .track { grid-row: 2; grid-column: 1 / 3; min-height: 22px; }
  .fall .grid .track { grid-row: 1; }
  .fall .axis { padding-block: 0; }
  .fall .axis > :not(.track) { display: none; }
  .fall .axis .track { grid-row: 1; min-height: 28px; }
  .panel { padding-left: 14px; }
  .field { font-size: 16px; }
  dialog { padding: 20px 18px; }
}
)page"
                                             // The markup.
                                             R"page(</style>
</head>
<body>
<svg hidden>
<symbol id="s-planned" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" stroke-dasharray="1.6 2.2"/></symbol>
<symbol id="s-queued" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6"/><path d="M5.3 8h.01M8 8h.01M10.7 8h.01" stroke-width="1.8"/></symbol>
<symbol id="s-running" viewBox="0 0 16 16"><path d="M8 2a6 6 0 1 1-6 6" stroke-width="2"/></symbol>
<symbol id="s-completed" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.8" fill="currentColor" stroke="none"/><path d="m5.1 8.3 2 2 3.8-4.3" style="stroke:var(--sheet)" stroke-width="1.7"/></symbol>
<symbol id="s-failed" viewBox="0 0 16 16"><path d="M8 .8 15.2 8 8 15.2.8 8Z" fill="currentColor" stroke="none"/><path d="M8 4.8v3.6M8 10.9v.1" style="stroke:var(--sheet)" stroke-width="1.7"/></symbol>
<symbol id="s-cancelled" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6"/><path d="m4 12 8-8"/></symbol>
<symbol id="s-sleeping" viewBox="0 0 16 16"><path d="M13.6 9.7A6 6 0 1 1 6.3 2.4a4.9 4.9 0 0 0 7.3 7.3Z"/></symbol>
<symbol id="s-waiting" viewBox="0 0 16 16"><path d="M4 2h8M4 14h8M5 2v2.6L8 8l3-3.4V2M5 14v-2.6L8 8l3 3.4V14"/></symbol>
<symbol id="s-retrying" viewBox="0 0 16 16"><path d="M13.5 8.6A5.6 5.6 0 1 1 12 4.1L13.6 6M13.8 2.6V6h-3.4"/></symbol>
<symbol id="s-timed_out" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6"/><path d="M8 4.6V8l2.3 1.6"/></symbol>
<symbol id="s-bolt" viewBox="0 0 16 16"><path d="M9 1.8 3.5 9H8l-1 5.2L12.5 7H8Z"/></symbol>
<symbol id="s-code" viewBox="0 0 16 16"><path d="M5.2 4.2 1.6 8l3.6 3.8M10.8 4.2 14.4 8l-3.6 3.8"/></symbol>
<symbol id="s-auto" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6"/><path d="M8 2a6 6 0 0 1 0 12Z" fill="currentColor"/></symbol>
<symbol id="s-light" viewBox="0 0 16 16"><circle cx="8" cy="8" r="3"/><path d="M8 1v1.4M8 13.6V15M1 8h1.4M13.6 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1"/></symbol>
<symbol id="s-mark" viewBox="0 0 16 16"><path d="M1.5 3.5h7M5 8h7M9 12.5h5"/></symbol>
<symbol id="s-cross" viewBox="0 0 16 16"><path d="m4 4 8 8M12 4l-8 8"/></symbol>
<symbol id="s-left" viewBox="0 0 16 16"><path d="M9.8 3 5 8l4.8 5"/></symbol>
</svg>
<header>
  <h1><svg aria-hidden="true"><use href="#s-mark"/></svg>inngest-cpp</h1>
  <div class="tabs" role="tablist" aria-label="Views">
    <button role="tab" id="tab-runs" aria-controls="view">Runs</button>
    <button role="tab" id="tab-events" aria-controls="view">Events</button>
    <button role="tab" id="tab-functions" aria-controls="view">Functions</button>
  </div>
  <div class="tools">
    <div id="link"><i></i><span>Connecting</span></div>
    <button class="button plain" id="theme"></button>
    <button class="button first" id="compose"><svg aria-hidden="true"><use href="#s-bolt"/></svg>Send event</button>
  </div>
</header>
<div id="bar" role="search">
  <div class="chips" id="status" role="group" aria-label="Filter by status"></div>
  <div class="grow"></div>
  <select class="field" id="only" aria-label="Filter by function"></select>
  <input class="field" id="find" type="search" autocomplete="off" spellcheck="false">
</div>
<main id="view" role="tabpanel">
  <div class="side" id="side"><button class="button first small" id="fresh" hidden>Newer above</button></div>
  <article id="detail" tabindex="-1" aria-label="Details"><div></div></article>
</main>
<div id="live" class="unseen" role="status" aria-live="polite"></div>
<div id="toasts"></div>
<dialog id="send" aria-labelledby="send-title">
  <form method="dialog" novalidate>
    <h2 id="send-title">Send an event</h2>
    <div class="chips" id="known" role="group" aria-label="Known triggers"></div>
    <label for="send-name">Name</label>
    <input class="field mono" id="send-name" autocomplete="off" spellcheck="false" aria-describedby="send-name-wrong">
    <div class="wrong" id="send-name-wrong" aria-live="polite"></div>
    <label for="send-data" style="margin-top:0">Data, a JSON object</label>
    <textarea class="field mono" id="send-data" spellcheck="false" aria-describedby="send-data-wrong"></textarea>
    <div class="wrong" id="send-data-wrong" aria-live="polite"></div>
    <div class="feet">
      <button type="button" class="button plain" id="send-format">Format</button>
      <button type="button" class="button" id="send-close">Close</button>
      <button class="button first" id="send-go">Send</button>
    </div>
  </form>
</dialog>
<dialog id="ask" aria-labelledby="ask-title" aria-describedby="ask-text">
  <form method="dialog">
    <h2 id="ask-title"></h2><p id="ask-text"></p>
    <div class="feet"><button class="button" value="no" id="ask-no"></button><button class="button bad" value="yes" id="ask-yes"></button></div>
  </form>
</dialog>
<script>)page"
                                             // The script.
                                             R"page(
"use strict";

// Small things.

const $ = id => document.getElementById(id);
const time = text => Date.parse(text);
const live = run => run.status === "queued" || run.status === "running";
const statuses = ["queued", "running", "completed", "failed", "cancelled"];
const words = { timed_out: "Timed out" };
const word = status => words[status] ?? status[0].toUpperCase() + status.slice(1);
const count = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const capable = navigator.clipboard !== undefined;

// All text goes in as text: nothing that the server says is read as markup.
function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter(child => child !== undefined && child !== null && child !== false));
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  const known = $("s-" + name) ? name : "planned";
  use.setAttribute("href", "#s-" + known);
  svg.setAttribute("class", known);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// Fills a node anew when what it shows changed, and keeps the focus where it was.
function patch(node, value, build) {
  const mark = JSON.stringify(value) ?? "";
  if (node.mark === mark) return;
  node.mark = mark;
  const held = node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  node.replaceChildren(...[build()].flat().filter(Boolean));
  if (held === null) return;
  const same = [...node.querySelectorAll("[data-key]")].find(each => each.dataset.key === held);
  (same ?? $("detail")).focus({ preventScroll: true });
}

function took(ms) {
  if (ms < 1) return ms > 0 ? "<1 ms" : "0 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 ? s.toFixed(2) : s.toFixed(1)} s`;
  const pairs = [[86400, "d", 3600, "h"], [3600, "h", 60, "m"], [60, "m", 1, "s"]];
  const [big, B, small, S] = pairs.find(pair => s >= pair[0]);
  const rest = Math.floor((s % big) / small);
  return `${Math.floor(s / big)} ${B}` + (rest ? ` ${rest} ${S}` : "");
}

function ago(text) {
  const s = Math.max(0, (Date.now() - time(text)) / 1000);
  if (s < 5) return "now";
  const [unit, name] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(pair => s >= pair[0]);
  return `${Math.floor(s / unit)} ${name} ago`;
}

function clock(text, day = true) {
  const at = new Date(text);
  const two = (n, size = 2) => String(n).padStart(size, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `;
  return (day ? date : "") + `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
}

const stamp = text => text ? h("time", { datetime: text, title: text }, clock(text)) : "–";
const lasted = run => run.started_at ? (run.ended_at ? time(run.ended_at) : Date.now()) - time(run.started_at) : null;

// Whole numbers beyond 2^53 stay as they were written, where the browser can.
const exact = (key, value, context) =>
  typeof value === "number" && context?.source && JSON.rawJSON && Number.isInteger(value) && !Number.isSafeInteger(value)
    ? JSON.rawJSON(context.source) : value;
const pretty = value => JSON.stringify(value, null, 2) ?? "null";

function say(text) { $("live").textContent = text; }

function toast(text, { bad = false, link } = {}) {
  const node = h("div", { class: bad ? "toast bad" : "toast", role: bad ? "alert" : "status" },
    h("div", { class: "grow" }, text), link && h("a", { href: link.href, onclick: () => node.remove() }, link.text),
    h("button", { "aria-label": "Dismiss", onclick: () => node.remove() }, icon("cross")));
  $("toasts").append(node);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
  setTimeout(() => node.remove(), bad ? 12000 : 6000);
}

// The engine's API.

async function api(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000), ...options });
  } catch {
    throw new Error("The engine does not answer.");
  }
  const text = await response.text();
  let body = null;
  try { body = text ? JSON.parse(text, exact) : null; }
  catch { if (response.ok) throw new Error(`${path}: the answer is no JSON.`); }
  if (!response.ok) throw Object.assign(new Error(body?.error ?? `${path}: status ${response.status}`), { status: response.status });
  return body;
}

function query(path, params) {
  const given = Object.entries(params).filter(([, value]) => value);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// Where we are: #/runs/<id>?status=failed&function=...&search=...

const views = ["runs", "events", "functions"];
let route = { view: "runs", id: "", status: "", function: "", search: "" };

function parse(hash) {
  const [path, params] = hash.replace(/^#\/?/, "").split("?");
  const [view, id] = path.split("/");
  const given = new URLSearchParams(params);
  const read = name => given.get(name) ?? "";
  let plain = "";
  try { plain = decodeURIComponent(id ?? ""); } catch { /* Not an id of ours. */ }
  return { view: views.includes(view) ? view : "runs", id: plain, status: read("status"), function: read("function"), search: read("search") };
}

function address(to) {
  const { view, id = "", status, function: only, search } = { ...to };
  return query(`#/${view}${id ? "/" + encodeURIComponent(id) : ""}`, { status, function: only, search });
}
const go = change => { location.hash = address({ ...route, ...change }); };
const here = change => address({ ...route, ...change });

// A list that draws only the rows in sight and loads the rest page by page.

const row_height = 62;
const page_size = 100;

class List {
  constructor(name, label, load, draw, empty) {
    Object.assign(this, { name, load, draw, empty });
    this.rows = new Map();
    this.sheet = h("div", { class: "sheet", role: "presentation" });
    this.box = h("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": label, id: "list-" + name }, this.sheet);
    this.none = h("div", { class: "none", hidden: true });
    this.box.addEventListener("scroll", () => { this.render(); clearTimeout(this.settle); this.settle = setTimeout(() => this.settled(), 150); });
    this.box.addEventListener("keydown", event => this.key(event));
    this.box.addEventListener("focus", () => { this.active ??= route.id || this.items[this.first()]?.id; this.render(); });
    this.box.addEventListener("click", event => {
      const id = event.target.closest(".row")?.dataset.id;
      if (id !== undefined) this.open(id, false);
    });
    new ResizeObserver(() => this.render()).observe(this.box);
    this.clear();
  }

  clear() {
    this.items = [];
    this.next = undefined;
    this.active = null;
    this.turn = (this.turn ?? 0) + 1;
    this.loading = false;
    this.box.scrollTop = 0;
  }

  first() { return Math.floor(this.box.scrollTop / row_height); }
  shown() { return Math.ceil(this.box.clientHeight / row_height) + 1; }

  async fetch(before, limit) {
    const turn = this.turn;
    const at = sequence;
    const page = await this.load(before, limit);
    if (turn !== this.turn) return null;
    for (const item of page.items) item.seen = at;
    return page;
  }

  // Loads what comes below.
  async more() {
    if (this.loading || this.next === null) return;
    this.loading = true;
    const turn = this.turn;
    try {
      const page = await this.fetch(this.next, page_size);
      if (page) {
        this.items.push(...page.items);
        this.next = page.next;
      }
    } catch (error) {
      toast(error.message, { bad: true });
      if (turn === this.turn) this.next = null;
    } finally {
      if (turn === this.turn) {
        this.loading = false;
        this.render();
      }
    }
  }

  // Fetches the rows in sight again. At the top come the new ones as well; further down nothing may move.
  async refresh() {
    if (this.next === undefined) return this.more();
    const from = this.first() && Math.max(0, this.first() - 2);
    const before = from ? this.items[from - 1]?.id : undefined;
    const page = await this.fetch(before, from ? this.shown() + 4 : page_size);
    if (!page) return;
    this.merge(before, page);
    if (!from) this.top = total;
    this.render();
  }

  // Ids are ULIDs, newest first, so the page replaces what lies in its range.
  merge(before, page) {
    const last = page.items.at(-1)?.id;
    const above = before ? this.items.filter(item => item.id >= before) : [];
    const apart = !before && page.next && this.items.length && last > this.items[0].id;
    const below = page.next === null || apart ? [] : this.items.filter(item => item.id < last);
    if (!below.length) this.next = page.next;
    this.items = [...above, ...page.items, ...below];
  }

  // Rows that were loaded long ago may have changed since.
  settled() {
    const sight = this.items.slice(this.first(), this.first() + this.shown());
    if (sight.some(item => item.seen !== sequence)) this.refresh().catch(() => {});
  }

  render() {
    if (this.box.hidden || !this.box.clientHeight) return;
    const from = Math.max(0, this.first() - 4);
    const to = Math.min(this.items.length, this.first() + this.shown() + 4);
    this.sheet.style.height = `${this.items.length * row_height}px`;
    const wanted = this.items.slice(from, to);
    const keep = new Set(wanted.map(item => item.id));
    for (const [id, row] of this.rows) if (!keep.has(id)) { row.remove(); this.rows.delete(id); }
    wanted.forEach((item, index) => this.place(item, from + index, index));
    this.box.setAttribute("aria-busy", String(this.loading));
    const active = this.rows.get(this.active);
    if (active) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
    const empty = !this.items.length && this.next === null;
    this.none.hidden = !empty;
    if (empty) patch(this.none, this.empty.mark(), this.empty.build);
    $("fresh").hidden = this.box.hidden || this.name !== "runs" || !this.first() || !this.top || total <= this.top;
    if (to + 20 >= this.items.length && this.next) this.more();
  }

  place(item, index, position) {
    let row = this.rows.get(item.id);
    if (!row) {
      row = h("div", { class: "row", role: "option", id: `${this.name}-${item.id}`, "data-id": item.id });
      this.rows.set(item.id, row);
    }
    if (this.sheet.children[position] !== row) this.sheet.insertBefore(row, this.sheet.children[position] ?? null);
    row.style.transform = `translateY(${index * row_height}px)`;
    row.setAttribute("aria-posinset", index + 1);
    row.setAttribute("aria-setsize", this.next === null ? this.items.length : -1);
    row.setAttribute("aria-selected", String(item.id === route.id));
    row.classList.toggle("active", item.id === this.active);
    this.draw(row, item);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.items.findIndex(item => item.id === this.active);
    const page = Math.max(1, this.shown() - 3);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.items.length - 1 }[event.key];
    if (to !== undefined) this.reach(Math.min(this.items.length - 1, Math.max(0, to)));
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) this.open(this.active, true);
    else return;
    event.preventDefault();
  }

  reach(index) {
    if (!this.items[index]) return;
    this.active = this.items[index].id;
    const top = index * row_height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + row_height > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + row_height - this.box.clientHeight;
    this.render();
  }

  // With the keyboard the focus goes along, and Escape brings it back.
  open(id, follow) {
    this.active = id;
    follow_focus = follow || innerWidth <= 860;
    if (id === route.id && follow_focus) $("detail").focus();
    go({ id });
    this.render();
  }
}
let follow_focus = false;

const filtered = () => route.status || route.function || route.search;
const clear_filters = () => go({ status: "", function: "", search: "" });

function draw_run(row, run) {
  row.dataset.s = run.status;
  patch(row, [run.status, run.function_name, run.event_name, ago(run.queued_at), run.ended_at, live(run) && lasted(run)], () => {
    const ms = lasted(run);
    return [icon(run.status), h("div", { class: "name" }, run.function_name || run.function, h("span", {}, run.event_name)),
      h("div", { class: "when" }, ago(run.queued_at)), h("div", { class: "under mono" }, run.id),
      h("div", { class: "under end" }, h("span", { class: "word" }, word(run.status)), ms === null ? null : `· ${took(ms)}`)];
  });
}

function draw_event(row, event) {
  const runs = event.runs ?? [];
  patch(row, [event.name, ago(event.received_at), runs], () => [icon("bolt"), h("div", { class: "name" }, event.name),
    h("div", { class: "when" }, ago(event.received_at)), h("div", { class: "under mono" }, event.id),
    h("div", { class: "under end" }, runs.slice(0, 4).map(run => {
      const mark = h("span", { class: "word", "data-s": run.status, title: word(run.status) }, icon(run.status));
      return mark;
    }), h("span", {}, runs.length ? count(runs.length, "run") : "no run"))]);
}

const trigger_name = trigger => trigger.event ?? trigger.cron ?? "";
function draw_function(row, item) {
  patch(row, item, () => [icon("code"), h("div", { class: "name" }, item.name || item.id), h("div", { class: "when" }, item.app ?? ""),
    h("div", { class: "under mono" }, item.id), h("div", { class: "under end" }, (item.triggers ?? []).map(trigger_name).join(", "))]);
}

const lists = {
  runs: new List("runs", "Runs", async (before, limit) => {
    const { status, function: only, search } = route;
    const page = await api(query("/api/runs", { limit, before, status, function: only, search }));
    return { items: page.runs, next: page.next ?? null };
  }, draw_run, {
    mark: () => Boolean(filtered()),
    build: () => filtered()
      ? [h("p", {}, "No run matches."), h("button", { class: "button", onclick: clear_filters }, "Clear the filters")]
      : [h("p", {}, "No runs yet."), h("button", { class: "button", onclick: () => compose() }, "Send an event")],
  }),
  events: new List("events", "Events", async (before, limit) => {
    const page = await api(query("/api/events", { limit, before }));
    return { items: page.events, next: page.next ?? null };
  }, draw_event, {
    mark: () => 0,
    build: () => [h("p", {}, "No events yet."), h("button", { class: "button", onclick: () => compose() }, "Send an event")],
  }),
  functions: new List("functions", "Functions", async () => {
    await load_functions();
    const text = route.search.toLowerCase();
    return { items: functions.filter(item => !text || JSON.stringify([item.id, item.name, item.triggers]).toLowerCase().includes(text)), next: null };
  }, draw_function, {
    mark: () => Boolean(route.search),
    build: () => route.search ? [h("p", {}, "No function matches.")] : [h("p", {}, "No functions yet."), h("p", {}, "They appear when an app registers them.")],
  }),
};
for (const list of Object.values(lists)) { list.box.hidden = true; $("side").append(list.box, list.none); }

let functions = [];
async function load_functions() {
  functions = (await api("/api/functions")).functions;
  patch($("only"), functions.map(item => [item.id, item.name]), () =>
    [h("option", { value: "" }, "All functions"), ...functions.map(item => h("option", { value: item.id }, item.name || item.id))]);
  $("only").value = route.function;
}

// Details.

let shown = { view: "", id: "" };  // what the detail shows
let run = null;                    // the run that it shows
const opened = new Set();          // the steps whose details are open
let squeeze = true;
let first_step = 0;
const step_page = 100;

function badge(status) { return h("span", { class: "badge", "data-s": status }, icon(status), word(status)); }

function copyable(text, key) {
  if (!capable) return h("span", { class: "mono" }, text);
  return h("button", { class: "copy mono", "data-key": key, title: "Copy", "aria-label": `Copy ${text}`, onclick: () =>
    navigator.clipboard.writeText(text).then(() => toast("Copied."), () => toast("The browser did not let us copy.", { bad: true })) }, text);
}

function fact(name, ...value) { return h("div", {}, h("dt", {}, name), h("dd", {}, ...value)); }
function section(title, ...children) { return h("section", {}, h("div", { class: "heading" }, h("h3", {}, title)), ...children); }
const back = () => h("button", { class: "button plain small", id: "back", onclick: () => leave() }, icon("left"), "Back");

// JSON in colours. Long text stays plain: a node per word would be too many.
function colour(text) {
  if (text.length > 20000) return [text];
  const out = [];
  let at = 0;
  for (const match of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g)) {
    if (match.index > at) out.push(text.slice(at, match.index));
    const [all, string, colon] = match;
    if (colon) out.push(h("span", { class: "k" }, string), h("span", { class: "p" }, colon));
    else out.push(h("span", { class: string ? "s" : /^[tfn]/.test(all) ? "b" : "n" }, all));
    at = match.index + all.length;
  }
  out.push(text.slice(at));
  return out;
}

const preview_lines = 24;
const preview_size = 4000;
function json(value, label) {
  const text = pretty(value);
  const lines = text.split("\n");
  const pre = h("pre", { tabindex: "0", role: "region", "aria-label": label });
  const box = h("div", { class: "json" }, pre);
  const short = lines.slice(0, preview_lines).join("\n").slice(0, preview_size);
  if (short.length === text.length) { pre.append(...colour(text)); return box; }
  let whole = false;
  const more = h("button", { class: "more", "aria-expanded": "false", "data-key": "more " + label, onclick: () => { whole = !whole; draw(); } });
  function draw() {
    pre.replaceChildren(...colour(whole ? text : short + " …"));
    more.textContent = whole ? "Show less" : lines.length > preview_lines ? `Show all ${count(lines.length, "line")}` : `Show all ${count(text.length, "character")}`;
    more.setAttribute("aria-expanded", String(whole));
  }
  draw();
  box.append(more);
  return box;
}

function error_box(error) {
  return h("div", { class: "error" }, h("strong", {}, error.name || "Error"), h("p", {}, error.message ?? ""),
    error.stack && h("pre", { tabindex: "0", role: "region", "aria-label": "Stack" }, error.stack));
}

function detail_parts(view, id, names) {
  if (shown.view === view && shown.id === id && $("part-" + names[0])) return;
  opened.clear();
  first_step = 0;
  squeeze = true;
  $("detail").firstElementChild.replaceChildren(back(), ...names.map(name => h("div", { id: "part-" + name })));
  $("detail").scrollTop = 0;
}

function nothing(title, text) {
  run = null;
  $("detail").firstElementChild.replaceChildren(back(), h("h2", {}, title), h("p", { class: "soft" }, text));
}

function hints() {
  run = null;
  const keys = [["↑ ↓", "move through the list"], ["Enter", "open"], ["Esc", "back to the list"], ["/", "search"], ["n", "send an event"], ["1 2 3", "runs, events, functions"]];
  $("detail").firstElementChild.replaceChildren(h("div", { class: "keys" }, h("p", {}, `Select ${ { runs: "a run", events: "an event", functions: "a function" }[route.view]} to see more of it.`),
    keys.map(([key, what]) => [h("div", {}, key.split(" ").map(each => [h("kbd", {}, each), " "]).flat()), h("div", {}, what)])));
}

function focus_detail() {
  if (!follow_focus) return;
  follow_focus = false;
  $("detail").focus({ preventScroll: true });
}

async function show_detail() {
  const { view, id } = route;
  $("view").classList.toggle("open", Boolean(id));
  if (!id) { hints(); shown = { view, id }; return; }
  try {
    if (view === "runs") draw_run_detail(await api(`/api/runs/${encodeURIComponent(id)}`), view, id);
    else if (view === "events") await event_detail(id);
    else await function_detail(id);
  } catch (error) {
    if (route.view !== view || route.id !== id) return;
    if (shown.view === view && shown.id === id && !error.status) return;
    nothing(error.status === 404 ? "Not here" : "That did not work", error.message);
  }
  if (route.view !== view || route.id !== id) return;
  shown = { view, id };
  title();
  focus_detail();
}

function draw_run_detail(got, view, id) {
  if (route.view !== view || route.id !== id) return;
  detail_parts(view, id, ["head", "facts", "error", "fall", "output", "input", "log"]);
  if (run && run.id === got.id && run.status !== got.status) say(`The run ${got.status === "running" ? "is running" : got.status === "completed" ? "completed" : got.status === "failed" ? "failed" : "was " + got.status}.`);
  run = got;
  patch($("part-head"), [got.status, got.function_name], () => [h("div", { class: "top" },
    h("div", { class: "grow" }, h("h2", {}, got.function_name || got.function),
      h("div", { class: "line" }, badge(got.status), copyable(got.id, "id"))),
    h("div", { class: "acts" },
      live(got) && h("button", { class: "button bad", "data-key": "cancel", onclick: () => cancel_run(got.id) }, "Cancel"),
      h("button", { class: "button", "data-key": "rerun", onclick: event => rerun(got.id, event.target) }, icon("retrying"), "Rerun")))]);
  patch($("part-error"), got.error, () => got.error && section("Error", error_box(got.error)));
  patch($("part-output"), [got.output !== undefined, got.output], () => got.output !== undefined && section("Output", json(got.output, "Output")));
  const events = got.events ?? [];
  patch($("part-input"), events, () => events.length > 0 && section(events.length === 1 ? "Event" : count(events.length, "event"),
    json(events.length === 1 ? events[0] : events, "Event")));
  patch($("part-log"), got.timeline, () => log(got.timeline ?? []));
  draw_live();
}

// What changes with the time alone.
function draw_live() {
  if (!run || !$("part-facts")) return;
  const ms = lasted(run);
  patch($("part-facts"), [run.queued_at, run.started_at, run.ended_at, ms], () => h("dl", { class: "facts" },
    fact("Started", stamp(run.started_at ?? run.queued_at)), fact("Took", ms === null ? "–" : took(ms)),
    fact("Queued for", took((run.started_at ? time(run.started_at) : Date.now()) - time(run.queued_at))),
    fact("Event", run.event_id ? h("a", { href: address({ view: "events", id: run.event_id }), "data-key": "event" }, run.event_name) : run.event_name ?? "–"),
    fact("Function", h("a", { href: address({ view: "functions", id: run.function }), class: "mono", "data-key": "function" }, run.function))));
  draw_fall();
}

function log(timeline) {
  if (!timeline.length) return null;
  const size = 100;
  const body = h("tbody");
  const pager = h("div", { class: "heading" });
  let from = 0;
  const draw = () => {
    body.replaceChildren(...timeline.slice(from, from + size).map(each => h("tr", {}, h("td", { class: "mono", title: each.at }, clock(each.at, false)),
      h("td", {}, each.what), h("td", {}, each.step ?? ""), h("td", {}, each.attempt === undefined ? "" : String(each.attempt + 1)),
      h("td", {}, each.duration_ms ? took(each.duration_ms) : ""), h("td", {}, short_text(each.detail)))));
    pager.replaceChildren(...page_buttons(from, size, timeline.length, to => { from = to; draw(); }));
  };
  draw();
  return h("section", {}, h("details", {}, h("summary", { "data-key": "log" }, `Log, ${count(timeline.length, "entry", "entries")}`),
    h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Time", "What", "Step", "Attempt", "Took", "Detail"].map(name => h("th", { scope: "col" }, name)))), body)), pager));
}
const short_text = text => !text ? "" : text.length > 300 ? text.slice(0, 300) + " …" : text;

function page_buttons(from, size, all, to) {
  if (all <= size) return [];
  const button = (text, target, on) => h("button", { class: "button small", disabled: !on, "data-key": text, onclick: () => to(target) }, text);
  return [h("span", { class: "soft" }, `${from + 1}–${Math.min(all, from + size)} of ${all.toLocaleString("en")}`),
    button("Previous", from - size, from > 0), button("Next", from + size, from + size < all)];
}

// The waterfall.

function segments(step, end) {
  const idle = /sleep/.test(step.kind) ? "sleeping" : /wait|invoke|signal/.test(step.kind) ? "waiting" : null;
  const attempts = step.attempts ?? [];
  const out = [];
  let at = time(step.queued_at);
  for (const each of attempts) {
    const from = each.started_at ? time(each.started_at) : at;
    const to = each.ended_at ? time(each.ended_at) : end;
    if (from > at) out.push({ s: out.length ? "retrying" : "queued", from: at, to: from });
    out.push({ s: each.ended_at ? each.status : "running", from, to });
    at = to;
  }
  const to = step.ended_at ? time(step.ended_at) : end;
  if (attempts.length && (step.ended_at || step.status === "running")) return out;
  const bad = step.status === "failed" || step.status === "timed_out" || step.status === "cancelled";
  const s = attempts.length ? "retrying" : bad ? step.status : idle ?? ({ retrying: "retrying", planned: "queued", completed: "completed" }[step.status] ?? "running");
  if (to >= at) out.push({ s, from: at, to });
  return out;
}

// Maps times to 0..100. Stretches in which nothing runs may be squeezed: else a week of sleep hides all the rest.
function scale(bars, from, end) {
  const points = [...new Set([from, end, ...bars.flatMap(bar => [bar.from, bar.to])])].filter(at => at >= from && at <= end).sort((a, b) => a - b);
  const busy = bars.filter(bar => !["sleeping", "waiting", "retrying", "queued", "timed_out"].includes(bar.s)).sort((a, b) => a.from - b.from);
  const spans = [];
  let reached = -Infinity;
  let next = 0;
  for (let i = 1; i < points.length; ++i) {
    while (next < busy.length && busy[next].from <= points[i - 1]) reached = Math.max(reached, busy[next++].to);
    const idle = reached < points[i];
    if (spans.length && spans.at(-1).idle === idle) spans.at(-1).to = points[i];
    else spans.push({ from: points[i - 1], to: points[i], idle });
  }
  const active = spans.reduce((sum, span) => sum + (span.idle ? 0 : span.to - span.from), 0);
  const most = 0.8 * active / Math.max(1, spans.filter(span => span.idle).length);
  let sum = 0;
  for (const span of spans) {
    span.tight = span.idle && active > 0 && span.to - span.from > 2 * most;
    span.start = sum;
    sum += span.size = span.tight && squeeze ? most : span.to - span.from;
  }
  const place = at => {
    let low = 0, high = spans.length - 1;
    while (low < high) { const mid = (low + high + 1) >> 1; if (spans[mid].from <= at) low = mid; else high = mid - 1; }
    const span = spans[low];
    if (!span || !sum) return 0;
    const inside = span.to > span.from ? Math.min(1, Math.max(0, (at - span.from) / (span.to - span.from))) : 0;
    return 100 * (span.start + inside * span.size) / sum;
  };
  return { place, tight: spans.filter(span => span.tight) };
}

function ticks(from, end, fit) {
  const out = [{ at: from, x: 0 }];
  const add = at => { const x = fit.place(at); if (x - out.at(-1).x >= 13 && x < 90) out.push({ at, x }); };
  if (fit.tight.length && squeeze) for (const span of fit.tight) { add(span.from); add(span.to); }
  else {
    const raw = (end - from) / 5;
    const step = [1, 2, 5].flatMap(n => [0, 1, 2, 3].map(p => n * 10 ** p)).concat([15e3, 30e3, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5])
      .sort((a, b) => a - b).find(n => n >= raw) ?? Math.ceil(raw / 864e5) * 864e5;
    for (let at = from + step; at < end; at += step) add(at);
  }
  return [...out, { at: end, x: 100 }];
}

function fall_axis(from, end, fit) {
  return h("div", { class: "track" }, ticks(from, end, fit).map((tick, index, all) => {
    const label = h("span", { class: index === all.length - 1 ? "last" : "" }, index ? took(tick.at - from) : "0");
    label.style.left = `${tick.x}%`;
    return label;
  }));
}

function fall_grid(from, end, fit) {
  const lines = ticks(from, end, fit).slice(1, -1).map(tick => { const u = h("u"); u.style.left = `${tick.x}%`; return u; });
  const bands = squeeze ? fit.tight.map(span => {
    const em = h("em");
    em.style.left = `${fit.place(span.from)}%`;
    em.style.width = `${fit.place(span.to) - fit.place(span.from)}%`;
    return em;
  }) : [];
  return h("div", { class: "track" }, bands, lines);
}

function track(bars, fit, thin) {
  return h("div", { class: thin ? "track thin" : "track" }, bars.slice(0, 60).map(bar => {
    const node = h("i", { class: "barr", "data-s": bar.s, title: `${word(bar.s)}, ${took(bar.to - bar.from)}` });
    const x = fit.place(bar.from);
    node.style.left = `min(${x}%, 100% - 4px)`;
    node.style.width = `${fit.place(bar.to) - x}%`;
    return node;
  }));
}

const legend_words = { queued: "Queued", running: "Running", completed: "Completed", failed: "Failed", retrying: "Until the retry", sleeping: "Sleeping", waiting: "Waiting", timed_out: "Timed out", cancelled: "Cancelled" };

function draw_fall() {
  const part = $("part-fall");
  const steps = run.steps ?? [];
  const now = run.ended_at ? time(run.ended_at) : Date.now();
  const all = steps.map(step => segments(step, now));
  const started = run.started_at ? time(run.started_at) : now;
  const whole = [{ s: "queued", from: time(run.queued_at), to: started }];
  if (run.started_at) whole.push({ s: run.status, from: started, to: now });
  const from = time(run.queued_at);
  const end = Math.max(from + 1, now, ...all.map(bars => bars.at(-1)?.to ?? 0));
  const fit = scale(all.flat().length ? all.flat() : whole, from, end);
  const focus = part.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  if (!part.firstChild) part.append(h("section", {}, h("div", { class: "heading" }), h("div", { class: "fall", role: "group", "aria-label": "Waterfall of the run", onkeydown: fall_key }), h("div", { class: "legend", "aria-hidden": "true" })));
  const [heading, fall, legend] = part.firstChild.children;
  patch(heading, [steps.length, first_step, squeeze, fit.tight.length > 0], () => [h("h3", {}, steps.length ? count(steps.length, "step") : "Timeline"),
    ...page_buttons(first_step, step_page, steps.length, to => { first_step = to; draw_fall(); }),
    fit.tight.length > 0 && h("button", { class: "button small", "aria-pressed": String(squeeze), "data-key": "squeeze", title: "Draw the stretches in which nothing runs narrower",
      onclick: () => { squeeze = !squeeze; draw_fall(); } }, squeeze ? "Waits squeezed" : "Waits to scale")]);
  const used = new Set([...whole, ...all.flat()].map(bar => bar.s));
  patch(legend, [...used].sort(), () => Object.keys(legend_words).filter(s => used.has(s)).map(s => h("span", {}, h("i", {}, h("i", { class: "barr", "data-s": s })), legend_words[s])));
  patch(fall, [run.id, run.status, steps, first_step, squeeze, run.ended_at ? 0 : now], () => {
    const rows = [h("div", { class: "strip grid", "aria-hidden": "true" }, h("i"), fall_grid(from, end, fit), h("i")),
      h("div", { class: "strip axis", "aria-hidden": "true" }, h("i"), fall_axis(from, end, fit), h("i")),
      h("div", { class: "strip whole" }, h("div", { class: "label", "data-s": run.status }, icon(run.status), h("b", {}, "Run")), track(whole, fit, true), h("div", { class: "took" }, took(end - from)))];
    steps.slice(first_step, first_step + step_page).forEach((step, index) => rows.push(...fall_row(step, all[first_step + index], fit, now, index)));
    return rows;
  });
  if (focus !== null && !part.contains(document.activeElement)) [...part.querySelectorAll("[data-key]")].find(each => each.dataset.key === focus)?.focus({ preventScroll: true });
}

function fall_row(step, bars, fit, now, index) {
  const key = `step ${step.id}`;
  const ms = (step.ended_at ? time(step.ended_at) : now) - time(step.queued_at);
  const tries = (step.attempts ?? []).length;
  const open = opened.has(step.id);
  const button = h("button", { class: "strip", "data-key": key, "aria-expanded": String(open), tabindex: index ? "-1" : "0",
    "aria-label": `${step.name || step.id}, ${step.kind}, ${word(step.status)}, ${took(ms)}${tries > 1 ? `, ${tries} attempts` : ""}`,
    onclick: () => { if (!opened.delete(step.id)) opened.add(step.id); $("part-fall").querySelector(".fall").mark = ""; draw_fall(); } },
    h("div", { class: "label", "data-s": step.status }, icon(step.status), h("b", { title: step.name }, step.name || step.id), h("small", {}, tries > 1 ? `${step.kind} ×${tries}` : step.kind)),
    track(bars, fit), h("div", { class: "took" }, took(ms)));
  return open ? [button, step_panel(step, ms)] : [button];
}

function step_panel(step, ms) {
  const attempts = step.attempts ?? [];
  let detail = null;
  if (step.detail) {
    let value = step.detail;
    try { value = JSON.parse(step.detail, exact); } catch { /* Plain text. */ }
    detail = typeof value === "object" ? json(value, "Detail") : h("p", { style: "margin-top:14px" }, h("span", { class: "soft" }, "Detail: "), String(step.detail));
  }
  return h("div", { class: "panel", role: "region", "aria-label": `Details of ${step.name || step.id}` },
    h("dl", { class: "facts" }, fact("Status", badge(step.status)), fact("Queued", stamp(step.queued_at)), fact("Ended", stamp(step.ended_at)), fact("Took", took(ms)),
      fact("Kind", step.kind), fact("Id", copyable(step.id, "id " + step.id))),
    attempts.length > 0 && h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Attempt", "Status", "Started", "Took", "Error"].map(name => h("th", { scope: "col" }, name)))),
      h("tbody", {}, attempts.slice(-50).map(each => {
        const s = each.ended_at ? each.status : "running";
        return h("tr", {}, h("td", {}, String(each.attempt + 1)), h("td", {}, h("span", { class: "word", "data-s": s }, icon(s), word(s))), h("td", { title: each.started_at }, each.started_at ? clock(each.started_at, false) : "–"),
          h("td", {}, each.started_at ? took((each.ended_at ? time(each.ended_at) : Date.now()) - time(each.started_at)) : "–"), h("td", {}, each.error ?? ""));
      })))), detail);
}

function fall_key(event) {
  const rows = [...event.currentTarget.querySelectorAll("button.strip")];
  const at = rows.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  rows[Math.min(rows.length - 1, Math.max(0, to))].focus();
}

async function event_detail(id) {
  const list = lists.events.items;
  // Events are not fetched by their id, but those before the end of its millisecond have it among them.
  const event = list.find(each => each.id === id && each.seen === sequence) ??
    (await api(query("/api/events", { limit: 100, before: id.slice(0, 10) + "Z".repeat(16) }))).events.find(each => each.id === id) ?? list.find(each => each.id === id);
  if (route.view !== "events" || route.id !== id) return;
  if (!event) return nothing("Not here", "The engine does not have this event any more.");
  detail_parts("events", id, ["head", "runs", "json"]);
  run = null;
  const runs = event.runs ?? [];
  patch($("part-head"), [event.id, event.name], () => [h("div", { class: "top" },
    h("div", { class: "grow" }, h("h2", {}, event.name), h("div", { class: "line" }, stamp(event.received_at), copyable(event.id, "id"))),
    h("div", { class: "acts" }, h("button", { class: "button", "data-key": "again", onclick: () => compose(event.name, event.event?.data) }, icon("bolt"), "Send again")))]);
  patch($("part-runs"), runs, () => section(runs.length ? count(runs.length, "run") : "Runs", runs.length
    ? h("div", { class: "stack" }, runs.slice(0, 100).map(each => h("a", { href: address({ view: "runs", id: each.id }), "data-key": each.id },
        h("span", { class: "word", "data-s": each.status }, icon(each.status), word(each.status)), h("span", { class: "grow" }, each.function), h("span", { class: "mono soft" }, each.id))))
    : h("p", { class: "soft" }, "No function has this event as its trigger.")));
  patch($("part-json"), event.event, () => section("Event", json(event.event, "Event")));
}

async function function_detail(id) {
  if (!functions.length) await load_functions();
  const item = functions.find(each => each.id === id);
  if (route.view !== "functions" || route.id !== id) return;
  if (!item) return nothing("Not here", "No function has this id.");
  detail_parts("functions", id, ["head", "triggers", "options"]);
  run = null;
  patch($("part-head"), [item.id, item.name, item.app], () => [h("div", { class: "top" },
    h("div", { class: "grow" }, h("h2", {}, item.name || item.id), h("div", { class: "line" }, item.app && h("span", {}, item.app), copyable(item.id, "id"))),
    h("div", { class: "acts" }, h("a", { class: "button", href: address({ view: "runs", function: item.id }), "data-key": "runs" }, "See its runs")))]);
  patch($("part-triggers"), item.triggers, () => section("Triggers", h("div", { class: "stack" }, (item.triggers ?? []).map(each => h("div", {},
    h("span", { class: "soft", style: "min-width:64px" }, each.cron ? "Schedule" : "Event"),
    h("span", { class: "grow mono" }, trigger_name(each), each.expression && h("div", { class: "soft" }, `if ${each.expression}`)),
    each.event && h("button", { class: "button small", "data-key": each.event, onclick: () => compose(sendable(each.event)) }, "Send"))))));
  const options = Object.entries(item.options ?? {});
  patch($("part-options"), item.options, () => section("Options", options.length ? h("div", { class: "stack" }, options.map(([name, value]) => h("div", {},
    h("span", { style: "min-width:150px" }, name), h("code", { class: "grow", style: "overflow-wrap:anywhere" }, JSON.stringify(value))))) : h("p", { class: "soft" }, "All as by default.")));
}

// Actions.

function ask(title, text, yes, no) {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask-no").textContent = no;
  $("ask").returnValue = "no";
  $("ask").showModal();
  $("ask-no").focus();
  return new Promise(done => $("ask").addEventListener("close", () => done($("ask").returnValue === "yes"), { once: true }));
}

async function cancel_run(id) {
  if (!await ask("Cancel this run?", "It stops before its next step. What its steps have done stays done.", "Cancel the run", "Keep it running")) return;
  try {
    await api(`/v1/runs/${encodeURIComponent(id)}`, { method: "DELETE" });
    toast("The run was cancelled.");
    await look();
  } catch (error) { toast(error.message, { bad: true }); }
}

async function rerun(id, button) {
  button.disabled = true;
  try {
    const { run_id } = await api(`/api/runs/${encodeURIComponent(id)}/rerun`, { method: "POST" });
    toast("Started again.");
    follow_focus = true;
    location.hash = address({ view: "runs", id: run_id });
    await look();
  } catch (error) { toast(error.message, { bad: true }); }
  button.disabled = false;
}

// Sending an event.

const sendable = name => name.replace(/\*+$/, "");

function compose(name, data) {
  $("send-name-wrong").textContent = $("send-data-wrong").textContent = "";
  if (name !== undefined) fill(name, data);
  else if (!$("send-data").value) $("send-data").value = "{}";
  known_triggers();
  load_functions().then(known_triggers, () => {});
  $("send").showModal();
  (name === undefined ? $("send-name") : $("send-data")).focus();
  check();
}

// The data of the last such event is the best first guess.
function fill(name, data) {
  $("send-name").value = name;
  data ??= lists.events.items.find(event => event.name === name)?.event?.data ?? {};
  $("send-data").value = pretty(data);
  check();
}

function known_triggers() {
  const names = [...new Set(functions.flatMap(item => (item.triggers ?? []).map(trigger => trigger.event)).filter(Boolean))].slice(0, 60);
  patch($("known"), names, () => names.map(name => h("button", { type: "button", class: "chip mono", "data-key": name, onclick: () => { fill(sendable(name)); $("send-data").focus(); } }, name)));
}

// Says what is wrong with the form; false when something is.
function check(strict = false) {
  const name = $("send-name").value.trim();
  const text = $("send-data").value;
  const no_name = name ? "" : "An event needs a name.";
  let no_data = "";
  try {
    const value = JSON.parse(text || "{}");
    if (value === null || typeof value !== "object" || Array.isArray(value)) no_data = "The data must be a JSON object: { … }";
  } catch (error) {
    const at = Number(/position (\d+)/.exec(error.message)?.[1]);
    const before = text.slice(0, at).split("\n");
    no_data = error.message.replace(/^JSON\.parse: /, "").replace(/ in JSON at position.*$/, "");
    if (!Number.isNaN(at) && !/line \d/.test(no_data)) no_data += ` at line ${before.length}, column ${before.at(-1).length + 1}`;
  }
  const put = (field, words, show) => {
    $(field).setAttribute("aria-invalid", String(Boolean(words && show)));
    if ($(field + "-wrong").textContent !== words || !show) $(field + "-wrong").textContent = show ? words : "";
  };
  put("send-name", no_name, strict);
  put("send-data", no_data, true);
  if (strict && (no_name || no_data)) $(no_name ? "send-name" : "send-data").focus();
  return !no_name && !no_data;
}

async function send() {
  if (!check(true)) return;
  const name = $("send-name").value.trim();
  // The text goes as it was typed, so that no number loses a digit.
  const body = `{"name":${JSON.stringify(name)},"data":${$("send-data").value || "{}"}}`;
  $("send-go").disabled = true;
  try {
    const { ids } = await api("/e/page", { method: "POST", headers: { "content-type": "application/json" }, body });
    $("send").close();
    toast(`Sent ${name}.`, { link: ids?.[0] && { href: address({ view: "events", id: ids[0] }), text: "See it" } });
    await look();
  } catch (error) { $("send-data-wrong").textContent = error.message; }
  $("send-go").disabled = false;
}

$("compose").onclick = () => compose();
$("send-close").onclick = () => $("send").close();
$("send-format").onclick = () => { if (check()) $("send-data").value = pretty(JSON.parse($("send-data").value || "{}", exact)); };
$("send").querySelector("form").onsubmit = event => { event.preventDefault(); send(); };
$("send").oninput = () => check();
$("send-data").onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); } };

// Views.

let sequence = -1;
let total = 0;
const list = () => lists[route.view];
const leave = () => { const box = list().box; go({ id: "" }); setTimeout(() => box.focus()); };
let last_filters = {};

function title() {
  const what = run && route.id ? `${run.function_name || run.function}: ${run.status}` : word(route.view);
  document.title = `${what} · inngest-cpp`;
}

function show() {
  const old = route;
  route = parse(location.hash);
  const runs = route.view === "runs";
  for (const view of views) {
    const chosen = view === route.view;
    $("tab-" + view).setAttribute("aria-selected", String(chosen));
    $("tab-" + view).tabIndex = chosen ? 0 : -1;
    lists[view].box.hidden = !chosen;
    if (!chosen) lists[view].none.hidden = true;
  }
  $("view").setAttribute("aria-labelledby", "tab-" + route.view);
  $("bar").hidden = route.view === "events";
  $("status").hidden = $("only").hidden = !runs;
  $("find").placeholder = runs ? "Search by id" : "Search functions";
  $("find").setAttribute("aria-label", $("find").placeholder);
  if (document.activeElement !== $("find")) $("find").value = route.search;
  $("only").value = route.function;
  draw_chips();
  const filters = JSON.stringify([route.status, route.function, route.search]);
  if (route.view !== "events" && last_filters[route.view] !== filters) {
    last_filters[route.view] = filters;
    list().clear();
    list().top = 0;
  }
  if (old.view !== route.view) run = null;
  list().render();
  list().refresh().then(() => { if (filtered() && !route.id) say(`${count(list().items.length, "row")}${list().next ? " or more" : ""}.`); }, () => {});
  show_detail();
  title();
}

let counts = {};
function draw_chips() {
  patch($("status"), [counts, route.status], () => ["", ...statuses].map(status => h("button", { class: "chip", "data-s": status, "data-key": "chip " + status,
    "aria-pressed": String(route.status === status), onclick: () => go({ status, id: "" }) }, status && icon(status), status ? word(status) : "All",
    h("b", {}, (status ? counts[status] ?? 0 : total).toLocaleString("en")))));
}

function linked(state) {
  $("link").classList.toggle("lost", !state);
  const text = state ? `${state.mode === "memory" ? "In memory" : state.mode === "sqlite" ? "SQLite" : state.mode} · ${state.version}` : "No connection";
  if ($("link").lastChild.textContent === text) return;
  if (!state) say("The engine does not answer. Trying again.");
  $("link").lastChild.textContent = text;
}

// Asks what changed; only then is the view fetched again.
let looking = null;
function look() { return looking ??= look_once().finally(() => { looking = null; }); }
async function look_once() {
  let state;
  try { state = await api("/api/state"); }
  catch { linked(null); return; }
  linked(state);
  if (state.sequence === sequence) return;
  if (state.sequence < sequence) for (const each of Object.values(lists)) each.clear();
  sequence = state.sequence;
  counts = state.counts;
  total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  draw_chips();
  await list().refresh().catch(() => {});
  if (route.id && !(run && run.id === route.id && !live(run))) await show_detail();
  title();
}

async function poll() {
  if (!document.hidden) await look();
  setTimeout(poll, 1000);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
setInterval(() => { if (document.hidden) return; list().render(); if (run && live(run)) draw_live(); }, 1000);

$("only").onchange = () => go({ function: $("only").value, id: "" });
let typing;
$("find").oninput = () => { clearTimeout(typing); typing = setTimeout(() => go({ search: $("find").value.trim(), id: "" }), 200); };
$("find").onkeydown = event => {
  const text = $("find").value.trim();
  if (event.key === "ArrowDown") list().box.focus();
  else if (event.key === "Enter" && route.view === "runs" && /^[0-9A-Za-z]{26}$/.test(text)) { clearTimeout(typing); follow_focus = true; location.hash = address({ view: "runs", id: text.toUpperCase() }); $("find").value = ""; }
  else if (event.key === "Enter") list().box.focus();
  else return;
  event.preventDefault();
};
$("fresh").onclick = () => { list().box.scrollTop = 0; list().refresh().catch(() => {}); list().box.focus(); };

for (const view of views) {
  $("tab-" + view).onclick = () => { location.hash = address({ view }); };
  $("tab-" + view).onkeydown = event => {
    const at = views.indexOf(view);
    const to = { ArrowRight: (at + 1) % 3, ArrowLeft: (at + 2) % 3, Home: 0, End: 2 }[event.key];
    if (event.key === "ArrowDown") { event.preventDefault(); list().box.focus(); }
    if (to === undefined) return;
    event.preventDefault();
    location.hash = address({ view: views[to] });
    $("tab-" + views[to]).focus();
  };
}

addEventListener("keydown", event => {
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing_here = event.target.closest("input, textarea, select");
  if (event.key === "Escape") {
    if (event.target === $("find") && $("find").value) { $("find").value = ""; go({ search: "" }); }
    else if (route.id) leave();
    else list().box.focus();
  } else if (typing_here) return;
  else if (event.key === "/" && !$("bar").hidden) $("find").focus();
  else if (event.key === "n") compose();
  else if ("123".includes(event.key)) location.hash = address({ view: views[event.key - 1] });
  else return;
  event.preventDefault();
});

// Light, dark, or as the system is.
const themes = { auto: "light dark", light: "light", dark: "dark" };
function set_theme(name) {
  document.documentElement.style.colorScheme = themes[name];
  document.documentElement.dataset.theme = name;
  $("theme").setAttribute("aria-label", `Theme: ${name}`);
  $("theme").title = `Theme: ${name}`;
  $("theme").replaceChildren(icon(name === "dark" ? "sleeping" : name));
  try { localStorage.setItem("theme", name); } catch { /* No storage: the choice lasts as long as the page. */ }
}
let saved = "auto";
try { saved = localStorage.getItem("theme") ?? saved; } catch { /* No storage. */ }
set_theme(saved in themes ? saved : "auto");
$("theme").onclick = () => { const names = Object.keys(themes); set_theme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % 3]); };

addEventListener("hashchange", show);
load_functions().catch(() => {});
look().finally(() => { show(); poll(); });
</script>
</body>
</html>
)page";

}  // namespace inngest::embedded
