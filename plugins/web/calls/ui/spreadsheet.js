// A table as a CSV file for spreadsheets, made in the browser of what the page shows.
import { plain } from "./text.js";

// A spreadsheet computes a cell that begins so; an apostrophe makes it text, and so it is in our registry.
const COMPUTED = /^[=+\-@\t\r]/;

export function cell(value) {
  const text = plain(String(value));
  const safe = COMPUTED.test(text) && !/^-?\d+([.,]\d+)?$/.test(text) ? `'${text}` : text;
  return /[";\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** With the mark of UTF-8 and semicolons, as Russian spreadsheets read it. */
export const tableText = (head, rows) => `\ufeff${[head, ...rows].map((row) => row.map(cell).join(";")).join("\r\n")}\r\n`;

export function saveTable(name, head, rows) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([tableText(head, rows)], { type: "text/csv;charset=utf-8" }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
