// The questions all clients ask, and what they understood, printed for the test to compare.
const text = (value) => (value instanceof Date ? value.toISOString().slice(0, 10) : `${value}`);

const person = (report) =>
  Object.fromEntries(Object.entries(report).map(([name, value]) => [name, text(value)]));

function list(result) {
  const found = result?.RiskReport ?? [];
  return (Array.isArray(found) ? found : [found]).map((report) => report.cedula);
}

async function refusal(asking, faultOf) {
  try {
    await asking;
  } catch (error) {
    const fault = faultOf(error);
    const detail = (fault?.detail ?? fault?.Detail)?.RiskFault;
    return detail ? { code: detail.code, message: detail.message } : { error: `${error.response?.status ?? error.response?.statusCode ?? error.message}` };
  }
  return { error: "answered" };
}

export async function answerAll(connect, password, questions, faultOf) {
  const { known, unknown, name } = questions;
  const ask = await connect(password);
  const stranger = await connect("no es");
  const outcome = {
    known: person((await ask("GetRiskByCedula", { cedula: known })).GetRiskByCedulaResult),
    by_name: list((await ask("FindRiskByName", { name, limit: 5 })).FindRiskByNameResult),
    many: list((await ask("GetRisks", { cedulas: { string: [known, unknown] } })).GetRisksResult),
    unknown: await refusal(ask("GetRiskByCedula", { cedula: unknown }), faultOf),
    wrong: await refusal(ask("GetRiskByCedula", { cedula: "123" }), faultOf),
    stranger: await refusal(stranger("GetRiskByCedula", { cedula: known }), faultOf),
  };
  console.log(JSON.stringify(outcome));
}
