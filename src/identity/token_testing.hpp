// Test vectors: public keys whose private halves were thrown away, and tokens signed with them.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::identity::testing {

/// `iss` of the tokens; audience client-a, scopes read and write, subject user-1.
inline constexpr std::string_view token_issuer = "https://issuer.example/pool";
inline constexpr long tokens_issued = 1'700'000'000;
inline constexpr long tokens_expire = 1'700'003'600;

/// k1 (RSA 2048, RS256) and e1 (P-256).
inline constexpr std::string_view key_set_1 =
    R"({"keys":[{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","n":"u85IYOosi-Nz-ueVP-JJqCz8PJ_BrOFgsLedgtjG8vafQetZg7WEtInJ)"
    R"(92STCVbA0Ivd3Pm3V7W1c0PZ9quD4dtOYX5U_K2504-fsCFyV8SHs6HKOVQSWmBQxJvxEAsfU9DOTWHpvT0c_0FdtrXFWxhH7Vl10ivYcgsIeYdJGyq_Dqgq)"
    R"(4_aI0L_wxt92_bjvBomKh_pmJKKLlImXTfIaBeX9XgNY9DVfCK9sICcJOofkXEtpQ6kqgTg8DfbpMOAK_vd-6q75Wo6t1bC6azV60TT-mACde_MPCPWb-lLT)"
    R"(3WTTUfksa_9TeDXNIqZMoSvx69zi8AbxcTz-lMn-gtam6w","e":"AQAB"},{"kty":"EC","crv":"P-256","kid":"e1","use":"sig","alg":"ES25)"
    R"(6","x":"-WjAQS1tSmJT9C1pQ_Mq7Ms6qFLPDUHryjwz5-OLBR4","y":"xAiQz4OsHKVdFaeIKUlRe_I8wrcbiqWhpatnZrrt2ow"}]})";
/// k2 (RSA 2048, RS256) alone: after a rotation.
inline constexpr std::string_view key_set_2 =
    R"({"keys":[{"kty":"RSA","kid":"k2","use":"sig","alg":"RS256","n":"jle7J1rSZPChZFaYChpi43maj99LkQZO80E95p7aDPBWkzZxj8BO7xTF)"
    R"(E_If57xst6FGuCrTLjy9aC3cGSclZN3wXR4uHwj2Y-yAGintLOJp4DlUQfusn-g2y9Y8lhdRM7m_ZalbdQz3XUxQpPcyeuC2ZWDO0IuEEwinVUgZjCtFdQio)"
    R"(56oD7GelQAlVczm5mnYfv4tzXPl1rtjNYxhCNXQjIoYKfiqQGIBVY1pWcM7GqpA3HdtsxGx-b5VBxuiRlz2OlbYTMMcF-U5m7auOSJa1ixp1YpcpWfNcqAvq)"
    R"(gMslQD75EcLY_-SdRG8SqzGceMOkE3pwCs8ZrVj2kCPN9Q","e":"AQAB"}]})";
/// RS256, good from 1,700,000,000 for an hour.
inline constexpr std::string_view token_k1 =
    R"(eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL3Bvb2wiLCJzdWIiOiJ1c2VyLTEiLCJhdWQiOiJjbGll)"
    R"(bnQtYSIsInNjb3BlIjoicmVhZCB3cml0ZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.Gaj4_BES_qzYStGFiaz7WgKVN7H0xE7qvwKnX)"
    R"(PVDryArpauL9Tch9avCx3XiYT6iBDckvVdmnt4GwFsBHvicjaE_5iEtJQvgSEtSCXHlhVSPjp1nznfbTaOc492UnBUbaLXHplQ80tsocia-9yIQAdgJl5iam)"
    R"(VE_PyHo0OjOvzuEpQQ_74Hf4ch1_1zfcmYM-nOV4uyRYR_qs6Spk510ry96EbOs0d6rhWsTnxrJxwNeGCS7vD0OCs-SFMqs-G_L2i7z91PuIiji2GhSOzRak)"
    R"(3NdrEChRZKjG74opO0RfqvgfPZUv3xwrTwiMROTNQ91C1h-Tvc9A4j3_mqJWUQ42g)";
/// The same for another subject.
inline constexpr std::string_view token_k1_other_user =
    R"(eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL3Bvb2wiLCJzdWIiOiJ1c2VyLTIiLCJhdWQiOiJjbGll)"
    R"(bnQtYSIsInNjb3BlIjoicmVhZCB3cml0ZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.qv9T_AmY-jxx8mqbnooWdN_cmpaQ9c7N5ZDyx)"
    R"(ogbIiPrtwfGZSlUEnRRkA_MbYxFgIjtbSDOuY4Wf9VFLU_8-4Fsg78r7p8omVw1-0Hsx0YUesHWtjUHU4qCKESctyucfBnPvSj7l966f5c2gs7wytIZiO8cp)"
    R"(tB3UBlREm4wL_3sx_BuqH0cU60ewtq9aF3-vtBcVtGdrx9Z0RhMjqZ_7cfWGOvMlUNMRkfbbFtKbZYlTC4Ou-sBFC1wS7p2lk7VwtT-4mse5H84WnQ_vu7KP)"
    R"(C740sAs0CH196R5HAuYbENDr0m5v4Eot1P3Hi0fXRDcUNZI8u4rHLfdc5aF8kd9cw)";
/// RS256 with k2.
inline constexpr std::string_view token_k2 =
    R"(eyJhbGciOiJSUzI1NiIsImtpZCI6ImsyIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL3Bvb2wiLCJzdWIiOiJ1c2VyLTEiLCJhdWQiOiJjbGll)"
    R"(bnQtYSIsInNjb3BlIjoicmVhZCB3cml0ZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.fkHVfDsMtJRxqmB4dbRimYoZ5r3hJXGo838gH)"
    R"(rzxHejEg76Ivn_VF7c5E7LhD4l6x90C7jeOPYDuQbKhHTI1f16xOPGbZB8caE0d1ETMR8L57Jtlf_id5-6nm6DjnbnJWIFWJSKTJbHsOQPRQbuRg4Mb-TP_Q)"
    R"(wQUsiv7FEbLgWTdu4g5eso3dsw_CigbbGCjJpAMd3B8h2ToK9v_LgiK7DiwVH8pGaQkZ8-bPSx_2pflC0B8jHtUZ5tVIZjEiEZgDXL9YC6WA0PwL6WmWEQZr)"
    R"(CUqae-a3xQIzeQ6qFBdQVzLQDmtS4hUdNCtk0bXErgqR2jvt3LcMud5Wqv5IHRCzg)";
/// ES256.
inline constexpr std::string_view token_e1 =
    R"(eyJhbGciOiJFUzI1NiIsImtpZCI6ImUxIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL3Bvb2wiLCJzdWIiOiJ1c2VyLTEiLCJhdWQiOiJjbGll)"
    R"(bnQtYSIsInNjb3BlIjoicmVhZCB3cml0ZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.qYR81ZDdiJwhqVL7vxyEjPqfvY-OkmscwkPAx)"
    R"(rkJ5_gPCVKoQxE6SaJWk1xfNG6Xk8mXluTBfdMq9BKnK7EjsQ)";
/// Signed with k1 too, `iss` is https://elsewhere.example.
inline constexpr std::string_view token_k1_other_issuer =
    R"(eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2Vsc2V3aGVyZS5leGFtcGxlIiwic3ViIjoidXNlci0xIiwiYXVkIjoiY2xpZW50)"
    R"(LWEiLCJzY29wZSI6InJlYWQgd3JpdGUiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.oawSE9bnPJH8oBAsFuxOhL1vTT2rdwe-1siObPHe)"
    R"(2sOg70fn_FpLL_oeEWQEDgmRXh0ej9IKrQPYBI8MHARL2481iGOkkRF0meEoK3cL1c7BP9U_T7I-vYqGgecXjRhfXfdJVoSq97HFbiLxsKrHH3GqGf_Tf4sU)"
    R"(_8O-CMtLTgGgHzoVLIG-ryobGp03Lm8TSmbmJDIm5rrubCznLTHGqEkpcKPJcz_C8etWIILFLjQKtUjlJtZ9HNintolptfq8f8hYmRNFArkIT7qdzauIQ4IN)"
    R"(r4q0secL56g9Dhw7GwNYS1l-S-VD5tGXz0WzLXY_FXASUn1c90N2qX2JvnDr3g)";
/// The same with `iss` http://localhost:8080/realm.
inline constexpr std::string_view token_k1_loopback =
    R"(eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvcmVhbG0iLCJzdWIiOiJ1c2VyLTEiLCJhdWQiOiJjbGll)"
    R"(bnQtYSIsInNjb3BlIjoicmVhZCB3cml0ZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.Zaw9_R02EOxVEH1jL9LcYpRNCU7BoaMpnbyHK)"
    R"(MZ6ykyOfNibLBQF-s_LutsavXyNWsANo-UWBHS0ymSb4N1S07Yar61K_IMQa76JG5TJhkdAMRCxL9g-k5bhrlw14MhNg87KSn0YBrqRJZSwtt4DGCP0s_lh8)"
    R"(ZugSiokfMY5xGuCpme-olHhIQRdjAfPjXhm2OIMCfy2BXSXeU7vS0AJ7lg2ps1PUbiTfj5nhLtCung-lwo25AMNQuvmYew-_UwnHC3A-BmYYTcUcCey-qiTO)"
    R"(FS0RUa0EHhWO3ZA5-bFOdCTetGhRMr5U8UYYqNv10NMtV0Q3nDIWdklitpAStCjDw)";

}  // namespace sallyport::identity::testing
