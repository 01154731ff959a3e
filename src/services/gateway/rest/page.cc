#include "services/gateway/rest/page.h"

#include <array>
#include <sodium.h>
#include <string_view>

namespace parley::gateway::rest {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6775;--paper:#f7f8fa;--card:#fff;--line:#dfe4ea;--accent:#0b6b57}
@media (prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#9fadbb;--paper:#11161c;--card:#1a2129;--line:#2c3641;--accent:#57c9ad}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:44rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:2.2rem;line-height:1.15;letter-spacing:-.02em;margin:0 0 .4rem}
h1 span{color:var(--accent)}
.lead{color:var(--soft);font-size:1.1rem;margin:0 0 2rem}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.1rem 1.25rem;margin:0 0 1rem}
h2{font-size:1.05rem;margin:0 0 .5rem}
p{margin:.4rem 0}
pre{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:.8rem;margin:.6rem 0 0;overflow-x:auto;font-size:.85rem;line-height:1.5}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
table{border-collapse:collapse;width:100%;font-size:.92rem}
td{padding:.35rem .6rem .35rem 0;border-top:1px solid var(--line);vertical-align:top}
tr:first-child td{border-top:0}
td:first-child{white-space:nowrap}
a{color:var(--accent)}
footer{color:var(--soft);font-size:.9rem;margin-top:2rem}
@media (max-width:30rem){td{display:block;border:0;padding:.1rem 0}td:first-child{padding-top:.6rem}}
)";

constexpr std::string_view kBody = R"(
<main>
<h1><span>Parley</span> is listening</h1>
<p class="lead">A self-hosted chat server: durable messages, delivered once and in order, to every device.</p>

<section>
<h2>From a terminal</h2>
<p>Sign up, then write to somebody. The client comes with the server.</p>
<pre><code>parley sign-up alice
parley open bob
parley watch</code></pre>
</section>

<section>
<h2>From a program</h2>
<p>Sign in over HTTP, then open a WebSocket and say hello in the first frame.</p>
<pre><code>POST /v1/signin      {"name":"alice","password":"..."}
GET  /v1/ws          Sec-WebSocket-Protocol: parley.v1.json

&gt; {"id":"1","hello":{"token":"ACCESS TOKEN"}}
&lt; {"re":"1","welcome":{"session_id":"...","limits":{...}}}
&gt; {"id":"2","send":{"conversation_id":"d:7:42",
     "client_message_id":"a UUID","body":{"text":"hello"}}}
&lt; {"re":"2","result":{"sent":{"seq":"1","message_id":"..."}}}</code></pre>
<p><code>parley.v1.pb</code> carries the same frames as Protocol Buffers.</p>
</section>

<section>
<h2>Where things are</h2>
<table>
<tr><td><a href="/v1/connect">/v1/connect</a></td><td>which gateway to use</td></tr>
<tr><td><a href="/v1/codes">/v1/codes</a></td><td>every error and close code, and whether to come back</td></tr>
<tr><td><a href="/v1/openapi.json">/v1/openapi.json</a></td><td>what is offered over HTTP, as OpenAPI 3.1</td></tr>
<tr><td><a href="/v1/asyncapi.json">/v1/asyncapi.json</a></td><td>the frames of the WebSocket, as AsyncAPI 3</td></tr>
<tr><td><code>/v1/messages</code></td><td>send, and read what is new, without a WebSocket</td></tr>
<tr><td><code>docs/protocol.md</code></td><td>the whole protocol, in the source tree</td></tr>
</table>
</section>

<footer>Tokens go into the <code>Authorization</code> header or the first frame, never into an address.</footer>
</main>
)";

std::string policy() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(kStyle.data()),
                     kStyle.size());
  std::string hash(sodium_base64_encoded_len(digest.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(hash.data(), hash.size(), digest.data(), digest.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  hash.pop_back();  // the terminating zero
  return "default-src 'none'; style-src 'sha256-" + hash +
         "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace

const std::string& home_page() {
  static const std::string page =
      std::string(
          "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<title>Parley</title>\n<style>")
          .append(kStyle)
          .append("</style>\n</head>\n<body>")
          .append(kBody)
          .append("</body>\n</html>\n");
  return page;
}

const std::string& home_page_policy() {
  static const std::string value = policy();
  return value;
}

}  // namespace parley::gateway::rest
