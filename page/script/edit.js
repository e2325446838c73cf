// The form that runs a run again with another input, or with another result of a step.

let edited = null;  // the step, or null for the whole run

function edit_and_rerun(step) {
  edited = step;
  $("edit-title").textContent = step ? `Rerun from ${step.name}` : "Rerun with other data";
  $("edit-kinds").hidden = !step;
  $("edit-result").checked = step && step.output !== undefined;
  $("edit-input").checked = !$("edit-result").checked;
  fill_edit();
  $("edit").showModal();
  $("edit-text").focus();
}

const edits_result = () => edited && $("edit-result").checked;

function fill_edit() {
  const result = edits_result();
  $("edit-label").textContent = result ? "Result of the step, as JSON" : edited ? "Arguments of the step, a JSON array" : "Data of the event, a JSON object";
  $("edit-help").textContent = result ? "The step does not run: the new run gets this as its result. Steps before it keep their results."
    : edited ? "The step runs with these arguments. Steps before it keep their results."
      : `Only ${run.function_name || run.function} runs, from the beginning.`;
  $("edit-text").value = pretty(result ? edited.output ?? null : edited ? [] : run.events?.[0]?.data ?? {});
  check_edit();
}

function check_edit() {
  let wrong = "";
  try {
    const value = JSON.parse($("edit-text").value);
    const is_object = value !== null && typeof value === "object";
    if (!edited && (!is_object || Array.isArray(value))) wrong = "The data must be a JSON object: { … }";
    if (edited && !edits_result() && !Array.isArray(value)) wrong = "The arguments must be a JSON array: [ … ]";
  } catch (error) { wrong = error.message.replace("JSON.parse: ", ""); }
  $("edit-wrong").textContent = wrong;
  $("edit-text").ariaInvalid = wrong !== "";
  return !wrong;
}

async function send_edit() {
  if (!check_edit()) return $("edit-text").focus();
  const text = $("edit-text").value;
  $("edit-go").disabled = true;
  try {
    if (edited) await rerun(run.id, null, `{"step":${step_text(edited)},"${edits_result() ? "result" : "input"}":${text}}`);
    else await invoke_again(text);
    $("edit").close();
  } catch (error) { $("edit-wrong").textContent = error.message; }
  $("edit-go").disabled = false;
}

async function invoke_again(data) {
  const { run_id } = await post(`/api/functions/${encodeURIComponent(run.function)}/invoke`, `{"data":${data}}`);
  toast("Started, as a new run.");
  follow_focus = true;
  go({ view: "runs", id: run_id });
  look();
}

$("edit-input").onchange = $("edit-result").onchange = fill_edit;
$("edit-text").oninput = check_edit;
$("edit-text").onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send_edit(); };
$("edit-close").onclick = () => $("edit").close();
$("edit").firstElementChild.onsubmit = event => { event.preventDefault(); send_edit(); };
