// npm `strong-soap`: strong-soap.mjs WSDL USER PASSWORD 1.1|1.2 QUESTIONS → one JSON object
import strong from "strong-soap";
import { answerAll } from "./answer.mjs";

const [wsdl, user, password, version, questions] = process.argv.slice(2);
const { soap } = strong;

function connect(secret) {
  const options = { forceSoap12Headers: version === "1.2" };
  return new Promise((resolve, reject) => {
    soap.createClient(wsdl, options, (error, client) => {
      if (error) return reject(error);
      client.setSecurity(new soap.BasicAuthSecurity(user, secret));
      resolve((operation, question) => call(client, operation, question));
    });
  });
}

function call(client, operation, question) {
  return new Promise((resolve, reject) => {
    client[operation](question, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

const faultOf = (error) => error.root?.Envelope?.Body?.Fault ?? error.Fault;
await answerAll(connect, password, JSON.parse(questions), faultOf);
