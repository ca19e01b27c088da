#!/usr/bin/perl
# SOAP::Lite: ask.pl WSDL USER PASSWORD 1.1|1.2 QUESTIONS → one JSON object
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use SOAP::Lite;

my ($wsdl, $user, $password, $version, $questions) = @ARGV;
$questions = decode_json($questions);
my ($address) = $wsdl =~ /^([^?]*)/;
my $client;

sub connect_as {
    my ($secret) = @_;
    SOAP::Lite->soapversion($version);    # before all else, which takes its names from it
    $client = SOAP::Lite->new->proxy($address)->ns('urn:pregon:risk-central:v1', 't')
        ->on_action(sub { $_[1] })->on_fault(sub { ref $_[1] ? $_[1] : undef });
    my $authorization = 'Basic ' . encode_base64("$user:$secret", '');
    $client->transport->http_request->header(Authorization => $authorization);
    return;
}

sub ask {
    my ($operation, @arguments) = @_;
    return $client->call($operation, @arguments);
}

sub cedulas {
    my ($result) = @_;
    return [] unless ref $result && $result->{RiskReport};
    my $found = $result->{RiskReport};
    return [map { $_->{cedula} } ref $found eq 'ARRAY' ? @$found : ($found)];
}

sub refusal {
    my ($answer) = @_;
    return { error => $client->transport->status } unless ref $answer;
    return { error => 'answered' } unless $answer->fault;
    my $detail = ($answer->fault->{detail} || $answer->fault->{Detail})->{RiskFault};
    return { code => $detail->{code}, message => $detail->{message} };
}

sub cedula { return SOAP::Data->name(cedula => shift)->type('') }
sub known { return ask('GetRiskByCedula', cedula($questions->{known})) }

connect_as($password);
my @two = map { SOAP::Data->name(string => $_)->type('') } $questions->{known}, $questions->{unknown};
my $many = SOAP::Data->name(cedulas => \SOAP::Data->value(@two));
my $name = SOAP::Data->name(name => $questions->{name})->type('');
my $limit = SOAP::Data->name(limit => 5)->type('');
my %outcome = (
    known => { %{ known()->result } },
    by_name => cedulas(ask('FindRiskByName', $name, $limit)->result),
    many => cedulas(ask('GetRisks', $many)->result),
    nothing => cedulas(ask('GetRisks')->result),
    unknown => refusal(ask('GetRiskByCedula', cedula($questions->{unknown}))),
    wrong => refusal(ask('GetRiskByCedula', cedula('123'))),
    without => refusal(ask('GetRiskByCedula')),
);
connect_as('no es');
$outcome{stranger} = refusal(known());
print JSON::PP->new->utf8->encode(\%outcome);
