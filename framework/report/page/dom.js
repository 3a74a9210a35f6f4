"use strict";
// Elements are made here and nowhere else. Text goes in as text: there is no innerHTML on this page,
// since every name in it may have been chosen by somebody who wishes us ill.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "style") {
      for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    } else if (name === "tip") {
      add_tip(node, value);
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  for (const child of (children || []).flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function replace(id, ...children) {
  const node = document.getElementById(id);
  node.replaceChildren();
  return fill(node, {}, children);
}

// A link to a file beside the page. Names come from sweeps, so a name cannot become a scheme.
function file_link(name, text) {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return el("a", {href: "./" + path}, text || name);
}

// ---- The tip: what a mark means, for a mouse, a finger and a keyboard alike.

// `lines`: a function that returns an array of lines; the first is the heading.
function add_tip(node, lines) {
  const show = () => show_tip(node, lines());
  node.addEventListener("pointerenter", show);
  node.addEventListener("focus", show);
  node.addEventListener("pointerleave", hide_tip);
  node.addEventListener("blur", hide_tip);
}

function show_tip(node, lines) {
  const tip = replace("tip", lines.map((line, i) => el(i === 0 ? "strong" : "span", {}, line)));
  tip.hidden = false;
  // A modal dialog hides what is not inside it.
  (node.closest("dialog") || document.body).append(tip);
  tip_of_node = node;
  place_tip();
}

let tip_of_node = null;

// Over its mark, or under it where there is no room; again when the page has been scrolled.
function place_tip() {
  const tip = document.getElementById("tip"), node = tip_of_node;
  if (tip.hidden || !node.isConnected) return;
  const mark = node.getBoundingClientRect();
  const box = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, mark.left + mark.width / 2 - box.width / 2),
                        document.documentElement.clientWidth - box.width - 8);
  const above = mark.top - box.height - 8;
  tip.style.left = Math.max(8, left) + "px";
  tip.style.top = (above > 4 ? above : mark.bottom + 8) + "px";
}

function hide_tip() {
  const tip = document.getElementById("tip");
  tip.hidden = true;
  document.body.append(tip);  // out of a dialog, which is emptied when it opens
}

// ---- Controls.

// A group of radio buttons that looks like a switch: arrow keys move through it.
function radios(label, name, texts, chosen, on_choice) {
  const group = el("fieldset", {class: "choice"}, el("legend", {}, label));
  texts.forEach((text, i) => {
    const input = el("input", {type: "radio", name, value: i, checked: i === chosen,
                               on: {change: () => on_choice(i)}});
    group.append(el("label", {}, input, el("span", {}, text)));
  });
  return group;
}

function select(label, texts, chosen, on_choice, id) {
  const options = texts.map((text, i) => el("option", {value: i, selected: i === chosen}, text));
  const list = el("select", {id, on: {change: (event) => on_choice(Number(event.target.value))}},
                  options);
  return el("label", {class: "field"}, el("span", {}, label), list);
}

function checkbox(text, is_checked, on_change) {
  const input = el("input", {type: "checkbox", checked: is_checked,
                             on: {change: (event) => on_change(event.target.checked)}});
  return el("label", {class: "check"}, input, text);
}
