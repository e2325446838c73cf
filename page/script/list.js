// A list draws the rows in sight only, and loads the others page by page.

const row_height = 62;
const page_size = 100;

class List {
  constructor(name, load, draw) {
    Object.assign(this, { name, load, draw, rows: new Map(), picked: new Set(), picking: false });
    this.sheet = h(".sheet", { role: "presentation" });
    this.box = h(".list", { id: "list-" + name, role: "listbox", tabindex: "0", "aria-label": word(name),
      onkeydown: event => this.key(event),
      onscroll: () => {
        this.render();
        clearTimeout(this.settling);
        this.settling = setTimeout(() => this.settle(), 150);
      },
      onfocus: () => {
        this.active ??= route.id || this.items[this.first()]?.id;
        this.render();
      },
      onclick: event => this.click(event) }, this.sheet);
    this.box.hidden = true;
    this.none = h(".none");
    $("lists").append(this.box, this.none);
    new ResizeObserver(() => this.render()).observe(this.box);
    this.clear();
  }

  clear() {
    Object.assign(this, { items: [], next: undefined, active: null, loading: false, problem: "", turn: (this.turn ?? 0) + 1, total: 0 });
    this.picked.clear();
    this.box.scrollTop = 0;
  }

  first() { return Math.floor(this.box.scrollTop / row_height); }
  shown() { return Math.ceil(this.box.clientHeight / row_height) + 1; }

  // Null when the list was cleared.
  async fetch(before, limit) {
    const turn = this.turn;
    const seen = sequence;
    const { [this.name]: items, next } = await this.load({ limit, before });
    if (turn !== this.turn) return null;
    for (const item of items) item.seen = seen;
    return { items, next };
  }

  async more() {
    if (this.loading || this.next === null) return;
    this.loading = true;
    this.problem = "";
    this.render();
    const turn = this.turn;
    let page = null;
    try {
      page = await this.fetch(this.next, page_size);
    } catch (error) {
      if (turn === this.turn) {
        if (this.items.length) complain(error);
        this.problem = error.message;
        this.next = this.items.length ? null : undefined;
      }
    }
    if (turn !== this.turn) return;
    this.loading = false;
    this.total ||= total;
    if (page) {
      this.items.push(...page.items);
      this.next = page.next;
    }
    // An engine that searches long answers with what it has, and where to go on.
    if (page && !page.items.length && page.next) return this.more();
    this.render();
  }

  // Fetches the rows in sight again. At the top the new ones come along; further down nothing may move.
  async refresh() {
    if (this.next === undefined) return this.more();
    const from = this.whole ? 0 : this.first();  // a list that comes whole has no pages
    const before = from ? this.items[from - 1]?.id : undefined;
    const page = await this.fetch(before, from ? this.shown() : page_size);
    if (!page) return;
    if (!from) this.total = total;
    if (route.by && route.by !== "queued") this.merge_by_time(from, page);
    else this.merge(before, page);
    this.render();
  }

  // Ids are ULIDs, newest first: a page replaces all that lies in its range.
  merge(before, page) {
    const last = page.next ?? page.items.at(-1)?.id;
    const apart = !before && page.next && last > this.items[0]?.id;
    const above = before ? this.items.filter(item => item.id >= before) : [];
    const below = page.next === null || apart ? [] : this.items.filter(item => item.id < last);
    if (!below.length) this.next = page.next;
    this.items = [...above, ...page.items, ...below];
  }

  // By another time, ids say nothing about the order: the first page replaces all, others only what is there.
  merge_by_time(from, page) {
    if (!from) {
      this.items = page.items;
      this.next = page.next;
    }
    const fresh = new Map(page.items.map(item => [item.id, item]));
    this.items = this.items.map(item => fresh.get(item.id) ?? item);
  }

  // Rows that were loaded long ago may have changed since.
  settle() {
    const sight = this.items.slice(this.first(), this.first() + this.shown());
    if (sight.some(item => item.seen !== sequence)) this.refresh().catch(() => {});
  }

  render() {
    const here = this === list();
    const empty = this.items.length === 0;
    this.box.hidden = !here || empty;
    this.none.hidden = !here || !empty;
    if (!this.none.hidden) patch(this.none, [filtered(), this.loading || this.next === undefined, this.problem], () => nothing_here(this));
    if (!here || !this.box.clientHeight) return;
    const from = Math.max(0, this.first() - 4);
    const wanted = this.items.slice(from, this.first() + this.shown() + 4);
    const keep = new Set(wanted.map(item => item.id));
    this.sheet.style.height = `${this.items.length * row_height}px`;
    for (const [id, row] of this.rows) {
      if (keep.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    wanted.forEach((item, position) => this.put(item, from + position, position));
    this.box.setAttribute("aria-busy", this.loading);
    this.box.setAttribute("aria-multiselectable", this.picking);
    this.box.setAttribute("aria-activedescendant", this.rows.get(this.active)?.id ?? "");
    $("fresh").hidden = this.name !== "runs" || !this.first() || total <= this.total;
    if (from + wanted.length + 20 >= this.items.length && this.next) this.more();
  }

  put(item, index, position) {
    let row = this.rows.get(item.id);
    if (!row) this.rows.set(item.id, row = h(".row", { role: "option", id: `${this.name}-${item.id}`, "data-id": item.id }));
    const there = this.sheet.children[position];
    if (there !== row) this.sheet.insertBefore(row, there ?? null);
    row.style.transform = `translateY(${index * row_height}px)`;
    row.ariaPosInSet = index + 1;
    row.ariaSetSize = this.next === null ? this.items.length : -1;
    const is_open = item.id === route.id;
    row.classList.toggle("open", is_open);
    row.ariaSelected = this.picking ? this.picked.has(item.id) : is_open;
    row.classList.toggle("active", item.id === this.active);
    this.draw(row, item);
  }

  // While rows are being selected a click selects; with Shift also those in between.
  click(event) {
    const id = event.target.closest(".row")?.dataset.id;
    if (id === undefined) return;
    if (!this.picking) return this.open(id, false);
    const [from, to] = [this.active, id].map(each => this.items.findIndex(item => item.id === each)).sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const item of this.items.slice(from, to + 1)) this.picked.add(item.id);
    else this.toggle(id);
    this.active = id;
    picks_changed(this);
  }

  toggle(id) {
    if (!this.picked.delete(id)) this.picked.add(id);
    picks_changed(this);
  }

  pick_active() {
    this.picking = true;
    this.toggle(this.active);
  }

  // Begins or ends to select.
  pick(on) {
    this.picking = on;
    if (!on) this.picked.clear();
    picks_changed(this);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.items.findIndex(item => item.id === this.active);
    const page = Math.max(1, this.shown() - 3);
    const end = this.items.length - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: end, j: at + 1, k: at - 1 }[event.key];
    const picks = views[this.name].picks && event.key === " " && this.picking;
    if (to !== undefined) this.reach(Math.max(0, Math.min(end, to)));
    else if (picks && this.active) this.pick_active();
    else if (event.key === "Enter" || event.key === " ") this.open(this.active, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  reach(index) {
    this.active = this.items[index]?.id ?? null;
    const top = index * row_height;
    this.box.scrollTop = Math.min(top, Math.max(this.box.scrollTop, top + row_height - this.box.clientHeight));
    this.render();
  }

  // With the keyboard the focus goes along; Escape brings it back.
  open(id, follow) {
    if (!id) return;
    this.active = id;
    follow_focus = follow || $("detail").clientWidth === 0;
    if (id === route.id) focus_detail();
    change({ id });
    this.render();
  }

  // The list itself, or what stands in its place when it is empty.
  focus() { (this.box.hidden ? this.none.querySelector("button") ?? views[this.name].tab : this.box).focus(); }
}

let follow_focus = false;
function focus_detail() {
  if (follow_focus) $("detail").focus({ preventScroll: true });
  follow_focus = false;
}
