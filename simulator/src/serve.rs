//! The server: a thread of its own, so that a blocked test cannot stall it.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower_service::Service;

use crate::handle::handle;
use crate::operation::Method;
use crate::routes;
use crate::state::Shared;
use crate::wire::{Connection, Doom, NoAnswer, Wire};

/// A running server; dropping it closes everything.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(
        listener: std::net::TcpListener,
        shared: Arc<Shared>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        listener.set_nonblocking(true)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let thread = thread::Builder::new()
            .name("sevalla-simulator".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = accept(listener, shared) => {}
                        _ = stopped => {}
                    }
                });
                // Dropping the runtime drops every connection, also those
                // that hang on purpose.
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let router = router(&shared);
    let mut number = 0;
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            number += 1;
            tokio::spawn(converse(stream, router.clone(), number));
        }
    }
}

/// The requests of one connection, until it ends.
async fn converse(stream: TcpStream, router: Router, number: u64) {
    let _ = stream.set_nodelay(true);
    let connection = Connection {
        number,
        doom: Doom::default(),
    };
    let wire = Wire::new(stream, connection.doom.clone());
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        let mut router = router.clone();
        async move {
            let Ok(response) = router.call(request.map(Body::new)).await;
            sendable(response)
        }
    });
    // Its error is a fault at work or a client that went away.
    let _ = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(wire), service)
        .await;
}

/// hyper drops the connection of a service that fails: the one way to send no
/// answer at all.
fn sendable(mut response: Response) -> Result<Response, NoAnswer> {
    if let Some(no_answer) = response.extensions().get::<NoAnswer>() {
        return Err(*no_answer);
    }
    // axum's word on wrong methods, which the API answers with 404.
    response.headers_mut().remove("allow");
    Ok(response)
}

fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for operation in routes::operations() {
        let shared = Arc::clone(shared);
        let answer = move |params: RawPathParams, request: Request| {
            handle(shared, Some(operation), Some(params), request)
        };
        router = router.route(operation.path, on(filter(operation.method), answer));
    }
    let unknown = {
        let shared = Arc::clone(shared);
        move |request: Request| handle(shared, None, None, request)
    };
    // Fastify knows no 405: a path with another method is another route.
    router
        .method_not_allowed_fallback(unknown.clone())
        .fallback(unknown)
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}
