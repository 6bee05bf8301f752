// Roles of one call: the text as it would be comes first, then it is built again; a correction can be taken back.
import { ask } from "./api.js";
import { html, useState } from "./host.js";
import { Banner, Button, Dialog, Foreign } from "./parts.js";
import { clock } from "./text.js";
import { dayAndTime, named, roleName, t } from "./words.js";

const SHOWN_TURNS = 12;
const ENOUGH_FOR_THE_LINE = 3; // corrected calls of a line after which its setting is worth a look
const other = (channel) => (channel === "left" ? "right" : "left");

export function RoleFix({ card, put, say }) {
  const roles = card.role_fix;
  const [state, setState] = useState({ preview: null, error: null, busy: false });
  if (!roles) return null;
  const send = async (path, method, channel, done) => {
    setState((was) => ({ ...was, busy: true, error: null }));
    try {
      const body = { operator_channel: channel, text_sha256: card.text_sha256 };
      done(await ask(`calls/${card.id}/${path}`, { method, body }));
    } catch (error) {
      setState({ preview: null, busy: false, error });
    }
  };
  const look = () => send("roles/preview", "POST", other(roles.operator_channel), (preview) => setState({ preview, busy: false, error: null }));
  const give = (channel, said) => send("roles", "PUT", channel, (next) => {
    setState({ preview: null, busy: false, error: null });
    put(next);
    say(t(said));
  });
  const wanted = other(roles.operator_channel);
  return html`<section className="cb-panel" aria-label=${t("roles.title")}><h2>${t("roles.title")}</h2>
    <p>${t("roles.now", { channel: named("channel", roles.operator_channel) })}</p>
    ${roles.corrected_by && html`<p className="cb-small">${t("roles.corrected", { at: dayAndTime(roles.corrected_at) })} <${Foreign}>${roles.corrected_by}<//></p>`}
    ${state.error && html`<${Banner} tone="warn" live title=${t("roles.not_changed")}>${state.error.detail ?? t("trouble.server")}<//>`}
    ${roles.may_change ? html`<div className="cb-row">
      ${roles.corrected_by ? html`<${Button} look="outline" disabled=${state.busy} onClick=${() => give(null, "roles.taken_back")}>${t("roles.take_back")}<//>`
        : html`<${Button} look="outline" icon="loop" disabled=${state.busy} onClick=${look}>${t("roles.swap")}<//>`}</div>`
      : html`<p className="cb-muted">${t("roles.cannot")}</p>`}
    ${roles.on_line >= ENOUGH_FOR_THE_LINE && html`<p className="cb-small">${t("roles.line", { n: roles.on_line })}
      <code>stt.channel_map: {"${card.line}": ${other(roles.of_policy)}}</code></p>`}
    ${state.preview && html`<${Dialog} title=${t("roles.preview")} close=${() => setState((was) => ({ ...was, preview: null }))}>
      <p>${t("roles.preview_help", { channel: named("channel", wanted) })}</p>
      <ol className="cb-turns cb-preview" tabIndex="0">${state.preview.turns.slice(0, SHOWN_TURNS).map((turn) => html`<li key=${turn.i} className=${`cb-turn cb-role-${turn.role}`}>
        <span className="cb-number">${clock(turn.start)}</span><span className="cb-turn-role">${roleName(turn.role)}</span><p><${Foreign} lang=${state.preview.language}>${turn.text}<//></p></li>`)}</ol>
      <div className="cb-row"><${Button} look="solid" disabled=${state.busy} onClick=${() => give(wanted, "roles.changed")}>${t("roles.build")}<//></div><//>`}
  </section>`;
}
