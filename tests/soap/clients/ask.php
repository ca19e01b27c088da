<?php
// PHP's SoapClient: ask.php WSDL USER PASSWORD 1.1|1.2 QUESTIONS → one JSON object
[, $wsdl, $user, $password, $version, $questions] = $argv;
$questions = json_decode($questions, true);

function connect(string $wsdl, string $user, string $password, string $version): SoapClient
{
    return new SoapClient($wsdl, [
        'login' => $user,
        'password' => $password,
        'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
        'cache_wsdl' => WSDL_CACHE_NONE,
    ]);
}

function cedulas(object $result): array
{
    return array_map(fn($report) => $report->cedula, $result->RiskReport ?? []);
}

function refusal(callable $asking): array
{
    try {
        $asking();
    } catch (SoapFault $fault) {
        $detail = $fault->detail->RiskFault ?? null;
        return $detail
            ? ['code' => $detail->code, 'message' => $detail->message]
            : ['error' => $fault->getMessage()];
    }
    return ['error' => 'answered'];
}

$client = connect($wsdl, $user, $password, $version);
$stranger = connect($wsdl, $user, 'no es', $version);
['known' => $known, 'unknown' => $unknown, 'name' => $name] = $questions;
$report = $client->GetRiskByCedula(['cedula' => $known])->GetRiskByCedulaResult;
$many = ['cedulas' => ['string' => [$known, $unknown]]];
echo json_encode([
    'known' => array_map(strval(...), (array) $report),
    'by_name' => cedulas($client->FindRiskByName(['name' => $name, 'limit' => 5])->FindRiskByNameResult),
    'many' => cedulas($client->GetRisks($many)->GetRisksResult),
    'nothing' => cedulas($client->GetRisks()->GetRisksResult),
    'unknown' => refusal(fn() => $client->GetRiskByCedula(['cedula' => $unknown])),
    'wrong' => refusal(fn() => $client->GetRiskByCedula(['cedula' => '123'])),
    'stranger' => refusal(fn() => $stranger->GetRiskByCedula(['cedula' => $known])),
]);
