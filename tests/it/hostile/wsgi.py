"""A WSGI application behind the standard library's own server. It answers with what an application is given: the decoded path, and the headers under the names that CGI gave them."""

import json
import os
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


def application(environ, start_response):
    given = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    given["method"] = environ["REQUEST_METHOD"]
    # Bytes, as one character each: PEP 3333.
    given["path"] = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(given).encode()]


server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
place = sys.argv[1]
with open(place + ".new", "w", encoding="ascii") as file:
    file.write(f"127.0.0.1:{server.server_port}")
os.rename(place + ".new", place)
server.serve_forever()
