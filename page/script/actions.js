// Questions, and what is done to one run.

// Resolves to whether the answer was yes.
function ask(title, text, yes, bad = true) {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask-yes").classList.toggle("bad", bad);
  $("ask").returnValue = "";
  $("ask").showModal();
  return new Promise(done => { $("ask").onclose = () => done($("ask").returnValue === "yes"); });
}

const cancel_run = id => api(`/v1/runs/${encodeURIComponent(id)}`, { method: "DELETE", headers: as_json });

async function cancel(id) {
  if (!await ask("Cancel this run?", "It stops before its next step. What its steps have done stays done.", "Cancel the run")) return;
  try {
    await cancel_run(id);
    toast("The run was cancelled.");
    look();
  } catch (error) { complain(error); }
}

// `how` has the step from which to run again, and its new input or result, as JSON text.
async function rerun(id, from, how = "{}") {
  if (from) from.disabled = true;
  try {
    const { run_id } = await post(`/api/runs/${encodeURIComponent(id)}/rerun`, how);
    toast("Started again, as a new run.");
    follow_focus = true;
    go({ view: "runs", id: run_id });
    look();
    return true;
  } catch (error) {
    if (!from) throw error;
    complain(error);
  } finally {
    if (from) from.disabled = false;
  }
}

// Which step a rerun starts from: by its hash, because names may repeat.
const step_text = step => JSON.stringify(step.hash ?? step.name);
const rerun_from = (step, from) => rerun(run.id, from, `{"step":${step_text(step)}}`);
