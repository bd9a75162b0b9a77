<?php
// Answers with what PHP, and Symfony's Request on top of it, make of a request.

require_once '/usr/share/php/Symfony/Component/HttpFoundation/autoload.php';

use Symfony\Component\HttpFoundation\Request;

Request::enableHttpMethodParameterOverride();
$request = Request::createFromGlobals();

$headers = array_filter($_SERVER, fn ($name) => str_starts_with($name, 'HTTP_'), ARRAY_FILTER_USE_KEY);
header('Content-Type: application/json');
echo json_encode([
    'method' => $request->getMethod(),
    'path' => $request->getPathInfo(),
    'headers' => (object) $headers,
    'query' => (object) $_GET,
], JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
