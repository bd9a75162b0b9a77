//! Reads a body, all of it and in time. A client that sends its body slowly keeps what it was
//! allowed to do, so it may not take long.

use std::time::Duration;

use axum::body::{Body, Bytes};

use super::failure::{Code, Failure};

/// How long a client may take for a whole body.
const LONGEST: Duration = Duration::from_secs(30);

/// Reads a body of at most `largest` bytes. `what` is its name for people.
pub(crate) async fn read(body: Body, largest: usize, what: &str) -> Result<Bytes, Failure> {
    read_within(LONGEST, body, largest, what).await
}

async fn read_within(
    longest: Duration,
    body: Body,
    largest: usize,
    what: &str,
) -> Result<Bytes, Failure> {
    match tokio::time::timeout(longest, axum::body::to_bytes(body, largest)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Failure::new(
            Code::BodyTooLarge,
            format!("The {what} must be complete and have at most {largest} bytes."),
        )),
        Err(_) => Err(Failure::new(
            Code::BodyTooSlow,
            format!(
                "The {what} must arrive within {} seconds.",
                LONGEST.as_secs()
            ),
        )),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use axum::body::HttpBody;
    use hyper::body::Frame;
    use tokio::sync::oneshot::Receiver;
    use tokio::sync::{Notify, oneshot};

    use super::*;
    use crate::store::tests::wait;

    /// A body of two halves. The second one comes when the test sends it.
    pub(crate) struct Halves {
        first: Option<Bytes>,
        second: Receiver<Bytes>,
        is_asked: Arc<Notify>,
        is_over: bool,
    }

    impl Halves {
        /// The body, a notice that the reader waits for the second half, and the way to send it.
        pub(crate) fn of(first: &str) -> (Body, Arc<Notify>, oneshot::Sender<Bytes>) {
            let (send, second) = oneshot::channel();
            let is_asked = Arc::new(Notify::new());
            let body = Self {
                first: Some(Bytes::copy_from_slice(first.as_bytes())),
                second,
                is_asked: Arc::clone(&is_asked),
                is_over: false,
            };
            (Body::new(body), is_asked, send)
        }
    }

    impl HttpBody for Halves {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let body = self.get_mut();
            if let Some(first) = body.first.take() {
                return Poll::Ready(Some(Ok(Frame::data(first))));
            }
            if body.is_over {
                return Poll::Ready(None);
            }
            body.is_asked.notify_one();
            Pin::new(&mut body.second).poll(context).map(|second| {
                body.is_over = true;
                second.ok().map(Frame::data).map(Ok)
            })
        }
    }

    #[test]
    fn a_body_comes_whole_and_in_time_or_not_at_all() {
        wait(async {
            let (body, _, send) = Halves::of("{\"a\":");
            let short = Duration::from_millis(20);
            let slow = read_within(short, body, 100, "body").await.unwrap_err();
            assert!(slow.is(Code::BodyTooSlow));
            assert_eq!(slow.status().as_u16(), 408);
            assert_eq!(slow.message(), "The body must arrive within 30 seconds.");
            drop(send);
            let (body, _, send) = Halves::of("{\"a\":");
            send.send("1}".into()).unwrap();
            assert_eq!(&*read(body, 100, "body").await.unwrap(), b"{\"a\":1}");
            let large = read(Body::from("12345"), 4, "body").await.unwrap_err();
            assert!(large.is(Code::BodyTooLarge));
        });
    }
}
