// Express with method-override, set up as in its documentation. It answers with the method and the
// path by which a route is chosen, and writes its address into the file that it is given.
import fs from "node:fs";
import express from "express";
import methodOverride from "method-override";

const application = express();
application.set("query parser", "extended");
application.use(methodOverride("_method"));
application.use(methodOverride("X-HTTP-Method-Override"));
application.use((request, response) => {
  response.json({ method: request.method, path: request.path, headers: request.headers, query: request.query });
});

const place = process.argv[2];
const server = application.listen(0, "127.0.0.1", () => {
  fs.writeFileSync(`${place}.new`, `127.0.0.1:${server.address().port}`);
  fs.renameSync(`${place}.new`, place);
});
