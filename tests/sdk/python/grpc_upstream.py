"""A gRPC server on a free port of the loopback interface that sends back what it got. Prints the port and serves until it is killed."""

from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        principal = dict(details.invocation_metadata).get("x-keyward-principal", "")

        def answer(request, context):
            context.set_trailing_metadata([("saw-principal", principal)])
            return request

        return grpc.unary_unary_rpc_method_handler(answer)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=2), handlers=[Echo()])
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
