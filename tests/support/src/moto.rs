//! moto, which answers as S3 and IAM do.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::find::root;

/// A running moto. It ends with its standard input.
pub struct Moto {
    child: Child,
    pub address: SocketAddr,
    pub id: String,
    pub secret: String,
}

impl Moto {
    pub fn start() -> Option<Self> {
        let folder = root();
        let mut packages = Command::new(folder.join("scripts/packages.sh"));
        let output = packages.args(["moto", "python"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            Some(3) => {
                println!("{}", said.trim());
                return None;
            }
            _ => panic!("scripts/packages.sh moto python: {said}"),
        }
        let python = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        let mut child = Command::new(python)
            .arg(folder.join("tests/moto/python/serve.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let port = u16::try_from(said["port"].as_u64().unwrap()).unwrap();
        Some(Self {
            child,
            address: ([127, 0, 0, 1], port).into(),
            id: said["id"].as_str().unwrap().to_owned(),
            secret: said["secret"].as_str().unwrap().to_owned(),
        })
    }

    /// What a program that uses the bucket finds in its environment.
    pub fn environment(&self, secret: &str) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", self.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
        ]
    }

    /// A cluster that signs its calls with that key, as docs/feed-bucket.md shows one. `folder` takes the credentials.
    pub fn signing(&self, mut cluster: Value, folder: &Path) -> Value {
        let page = fs::read_to_string(root().join("docs/feed-bucket.md")).unwrap();
        let example = page.split("```yaml\n").nth(1).unwrap();
        let example = example.split("```").next().unwrap();
        let options: Value = serde_norway::from_str(example).unwrap();
        cluster["typed_extension_protocol_options"] =
            options["typed_extension_protocol_options"].clone();
        // A separate folder, which Envoy watches.
        fs::create_dir(folder).unwrap();
        fs::write(
            folder.join("aws-credentials"),
            format!(
                "[default]\naws_access_key_id={}\naws_secret_access_key={}\n",
                self.id, self.secret
            ),
        )
        .unwrap();
        let text = cluster.to_string();
        let text = text.replace("/etc/envoy", folder.to_str().unwrap());
        serde_json::from_str(&text.replace("eu-west-1", "us-east-1")).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
