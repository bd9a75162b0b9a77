"""Answers as S3 and IAM do, on a free port of loopback, until it is killed.

Prints one line of JSON: the port, and the access key of a user who may do what a publisher of a feed does, below one prefix of the bucket
`keyward-feeds` and of its mirror `keyward-mirror`. From then on every other request is answered with 403, as AWS does.
"""

import json
import sys
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": [f"arn:aws:s3:::{bucket}/feeds/prod/*" for bucket in ("keyward-feeds", "keyward-mirror")],
        },
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": [f"arn:aws:s3:::{bucket}" for bucket in ("keyward-feeds", "keyward-mirror")],
        },
    ],
}


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    root = {
        "endpoint_url": url,
        "region_name": "us-east-1",
        "aws_access_key_id": "root",
        "aws_secret_access_key": "root",
    }
    s3 = boto3.client("s3", **root)
    s3.create_bucket(Bucket="keyward-feeds")
    s3.create_bucket(Bucket="keyward-mirror", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    iam = boto3.client("iam", **root)
    iam.create_user(UserName="publisher")
    iam.put_user_policy(UserName="publisher", PolicyName="feed", PolicyDocument=json.dumps(ALLOWED))
    key = iam.create_access_key(UserName="publisher")["AccessKey"]
    # From here on, every request is authenticated.
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset-auth", data=b"0", headers={"content-type": "text/plain"})).read()
    print(json.dumps({"port": port, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)
    # The pipe closes when the test ends.
    sys.stdin.read()


main()
