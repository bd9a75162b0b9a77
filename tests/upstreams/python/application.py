"""A WSGI application that answers with what its server gives it: the method, the path, and the headers under the names that CGI gives them."""

import json

from flask_reverse_proxy import ReverseProxied


def told(environ, start_response):
    headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    answer = {"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"], "headers": headers}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


# gunicorn's own reading of `SCRIPT_NAME` and `PATH_INFO`, and that of a widely copied middleware.
plain = told
proxied = ReverseProxied(told)
