//! OAuth 2: one fetch for many requests, both ways to present the client, what refusals say.

use super::*;
use crate::testing::{Received, Reply, Server};
use crate::{SendError, Step};

fn oauth2(tokens: &Server) -> Client {
    let yaml = format!(
        "oauth2: {{client_id: 'the id', client_secret: s3cret, scopes: [a, b], token_url: '{}', endpoint_params: {{audience: x}}}}",
        tokens.url("/token")
    );
    client(&yaml)
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_after_401() {
    let tokens =
        Server::start(|_| Reply::status(200, r#"{"access_token":"abc","token_type":"bearer","expires_in":3600}"#))
            .await;
    let api = Server::start(|r: &Received| Reply::status(if r.path == "/no" { 401 } else { 200 }, "")).await;
    let client = oauth2(&tokens);
    for _ in 0..3 {
        post(&client, api.url("/")).await.unwrap();
        assert_eq!(api.last().header("authorization"), "Bearer abc");
    }
    let asked = tokens.last();
    assert_eq!(asked.header("authorization"), "Basic dGhlK2lkOnMzY3JldA==", "the id is form-encoded first");
    assert_eq!(asked.text(), "grant_type=client_credentials&scope=a+b&audience=x");
    assert_eq!(tokens.received().len(), 1);
    assert_eq!(post(&client, api.url("/no")).await.unwrap().status, 401);
    post(&client, api.url("/")).await.unwrap();
    assert_eq!(tokens.received().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_wants_the_client_in_the_form_gets_it_there() {
    let tokens = Server::start(|r: &Received| {
        if r.text().contains("client_secret=s3cret") && r.header("authorization").is_empty() {
            Reply::status(200, r#"{"access_token":"abc"}"#)
        } else {
            Reply::status(401, r#"{"error":"invalid_client"}"#)
        }
    })
    .await;
    let api = Server::start(|_| Reply::status(200, "")).await;
    post(&oauth2(&tokens), api.url("/")).await.unwrap();
    assert_eq!(tokens.received().len(), 2);
}

#[tokio::test]
async fn a_refusal_is_said_without_the_secret() {
    let tokens = Server::start(|_| Reply::status(400, r#"{"error":"invalid_scope","error_description":"no a"}"#)).await;
    let api = Server::start(|_| Reply::status(200, "")).await;
    let error = post(&oauth2(&tokens), api.url("/")).await.unwrap_err();
    assert!(matches!(error, SendError::Token { retry: false, .. }) && error.step() == Step::Prepare, "{error}");
    let said = error.to_string();
    assert!(said.contains("answered 400: invalid_scope no a") && !said.contains("s3cret"), "{said}");
    assert_eq!(api.received().len(), 0);
}
