//! Proxies: who is asked, and for which hosts.

use super::*;
use crate::testing::{Reply, Server};

#[tokio::test]
async fn a_proxy_gets_whole_addresses_and_is_left_out_where_told() {
    let proxy = Server::start(|_| Reply::status(203, "from the proxy")).await;
    let direct = Server::start(|_| Reply::status(200, "direct")).await;
    let yaml =
        format!("proxy_url: http://user:word@127.0.0.1:{}\nno_proxy: localhost,10.0.0.0/8", proxy.address().port());
    let client = client(&yaml);
    let response = post(&client, Url::parse("http://far.invalid/path").unwrap()).await.unwrap();
    assert_eq!(response.status, 203);
    assert_eq!(proxy.last().path, "http://far.invalid/path");
    assert_eq!(proxy.last().header("proxy-authorization"), "Basic dXNlcjp3b3Jk");
    assert_eq!(post(&client, direct.url("/")).await.unwrap().status, 200);
    assert_eq!(proxy.received().len(), 1);
    let shown = format!("{client:?}");
    assert!(!shown.contains("word"), "{shown}");
}
