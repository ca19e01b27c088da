// npm `soap`: soap.mjs WSDL USER PASSWORD 1.1|1.2 QUESTIONS → one JSON object
import soap from "soap";
import { answerAll } from "./answer.mjs";

const [wsdl, user, password, version, questions] = process.argv.slice(2);

async function connect(secret) {
  const client = await soap.createClientAsync(wsdl, { forceSoap12Headers: version === "1.2" });
  client.setSecurity(new soap.BasicAuthSecurity(user, secret));
  return async (operation, question) => (await client[`${operation}Async`](question))[0];
}

const faultOf = (error) => error.root?.Envelope?.Body?.Fault;
await answerAll(connect, password, JSON.parse(questions), faultOf);
