// gSOAP: ask WSDL USER PASSWORD 1.1|1.2 QUESTIONS → one JSON object
#include <iostream>
#include <string>
#include "RiskCentral.nsmap"
#include "soapRiskCentralProxy.h"

static const char *wsdl, *user, *password;

struct Bureau {
  RiskCentralProxy proxy;
  Bureau(const char *secret) : proxy(SOAP_C_UTFSTRING) {
    static std::string address;
    address = std::string(wsdl).substr(0, std::string(wsdl).find('?'));
    proxy.soap_endpoint = address.c_str();
    proxy.soap->userid = user;
    proxy.soap->passwd = secret;
  }
};

static std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

static std::string field(const std::string &name, const std::string &value) {
  return quoted(name) + ":" + quoted(value);
}

// The text of a name in a flat JSON object
static std::string read(const std::string &json, const std::string &name) {
  size_t begins = json.find('"', json.find(':', json.find(quoted(name)))) + 1;
  return json.substr(begins, json.find('"', begins) - begins);
}

static std::string person(tns__RiskReport *found, soap *context) {
  return "{" + field("cedula", found->cedula) + "," + field("full_name", found->full_USCOREname) + "," +
         field("category", soap_tns__RiskCategory2s(context, found->category)) + "," +
         field("score", std::to_string(found->score)) + "," +
         field("total_debt", found->total_USCOREdebt) + "," +
         field("days_overdue", std::to_string(found->days_USCOREoverdue)) + "," +
         field("reported_on", found->reported_USCOREon) + "," + field("source", found->source) + "}";
}

static std::string list(tns__RiskReportArray *found) {
  std::string out;
  for (tns__RiskReport *report : found->RiskReport) {
    out += (out.empty() ? "" : ",") + quoted(report->cedula);
  }
  return "[" + out + "]";
}

static std::string refusal(RiskCentralProxy &proxy) {
  if (!proxy.soap->error) return "{" + field("error", "answered") + "}";
  SOAP_ENV__Fault *fault = proxy.soap->fault;
  SOAP_ENV__Detail *detail = !fault ? NULL : fault->detail ? fault->detail : fault->SOAP_ENV__Detail;
  if (!detail || !detail->tns__RiskFault) {
    return "{" + field("error", std::to_string(proxy.soap->error)) + "}";
  }
  return "{" + field("code", detail->tns__RiskFault->code) + "," +
         field("message", detail->tns__RiskFault->message) + "}";
}

static std::string by_cedula(const char *secret, const std::string &cedula) {
  Bureau bureau(secret);
  tns__GetRiskByCedula question;
  tns__GetRiskByCedulaResponse answer;
  question.cedula = cedula;
  if (bureau.proxy.GetRiskByCedula(&question, answer)) return refusal(bureau.proxy);
  return person(answer.GetRiskByCedulaResult, bureau.proxy.soap);
}

static std::string by_name(const std::string &name) {
  Bureau bureau(password);
  tns__FindRiskByName question;
  tns__FindRiskByNameResponse answer;
  int limit = 5;
  question.name = name;
  question.limit = &limit;
  if (bureau.proxy.FindRiskByName(&question, answer)) return refusal(bureau.proxy);
  return list(answer.FindRiskByNameResult);
}

static std::string many(tns__stringArray *cedulas) {
  Bureau bureau(password);
  tns__GetRisks question;
  tns__GetRisksResponse answer;
  question.cedulas = cedulas;
  if (bureau.proxy.GetRisks(&question, answer)) return refusal(bureau.proxy);
  return list(answer.GetRisksResult);
}

int main(int, char **arguments) {
  wsdl = arguments[1], user = arguments[2], password = arguments[3];
  std::string known = read(arguments[5], "known"), unknown = read(arguments[5], "unknown");
  tns__stringArray both;
  both.string = {known, unknown};
  std::cout << "{\"known\":" << by_cedula(password, known)
            << ",\"by_name\":" << by_name(read(arguments[5], "name"))
            << ",\"many\":" << many(&both) << ",\"nothing\":" << many(NULL)
            << ",\"unknown\":" << by_cedula(password, unknown)
            << ",\"wrong\":" << by_cedula(password, "123")
            << ",\"stranger\":" << by_cedula("no es", known) << "}";
}
