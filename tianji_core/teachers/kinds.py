"""What the codes and the wording of providers mean, whatever status they come with."""

from typing import Literal, NamedTuple

from tianji_core.gate import Complaint

Meaning = Literal[
    "credit", "region", "filtered", "firewall", "rate", "key", "access", "model", "long", "request", ""
]
"""No money or quota left, for hours at least; a region that is not served; a content filter; a firewall in
front of the API; too many requests; a wrong key; an account that may not use the model; no such model; more
than the context of the model holds; a request that the API does not take. '' where nothing says which."""


class _Signs(NamedTuple):
    """``codes`` must be the same as a code, in lower case; ``words`` may stand anywhere in the message or a
    code."""

    meaning: Meaning
    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


_SIGNS = (
    _Signs(
        "rate",
        # DashScope: too many tokens a minute, although it reads like an empty account.
        words=("throttling", "allocated quota exceeded, please increase", "limit_burst_rate"),
    ),
    _Signs(
        "credit",
        # Zhipu (no balance, a plan that has ended, a quota used up), MiniMax, SiliconFlow, Baidu.
        ("1113", "1304", "1308", "1309", "1310", "1008", "30001", "336007"),
        (
            *(
                "insufficient_quota",
                "insufficient balance",
                "insufficient_balance",
                "insufficient_user_quota",
            ),
            *(
                "balance is insufficient",
                "arrearage",
                "overdue",
                "in good standing",
                "exceeded_current_quota",
            ),
            *("billing_not_active", "billing_hard_limit", "budgetlimitexceeded"),
            *("freetieronly", "free tier only", "free tier of the model has been exhausted"),
            *("free inference quota", "quotaexceeded", "setlimitexceeded", "daily request limit"),
            *("hour allocated quota", "week allocated quota", "month allocated quota"),
            *(
                "credit balance is too low",
                "any credits",
                "more credits",
                "insufficient credits",
                "can only afford",
            ),
            *("included credits", "quota_exceeded", "usage limit exceeded", "total request limit"),
            *("today's quota", "per-day", "bymodelbyday", "tokenstatusexhausted", "resourcepackexhausted"),
            *("欠费", "余额不足", "余额已用完", "额度已用完", "已用尽", "额度不足", "使用上限"),
        ),
    ),
    _Signs(
        "region",
        words=(
            *("unsupported_country", "country, region, or territory", "location is not supported"),
            *("not available in your region", "not available in your country", "region is not supported"),
        ),
    ),
    _Signs(
        "filtered",
        # Zhipu, MiniMax (input and output), Baidu.
        ("1301", "1026", "1027", "336104"),
        (
            *("content_filter", "content filter", "contentfilter", "content_policy", "content policy"),
            *("content exists risk", "data_inspection_failed", "datainspectionfailed", "faqruleblocked"),
            *("sensitivecontent", "risk_control", "敏感", "moderation", "high risk", "unsafe_content"),
            *("sensitive_words", "sensitive words", "new_sensitive", "usage policy", "audit reject"),
        ),
    ),
    _Signs(
        "long",
        # Zhipu, Baidu.
        ("1261", "336103"),
        (
            *("context_length_exceeded", "context length", "context window", "contextwindow"),
            *("exceed_context_size", "context size", "prompt is too long", "maximum number of tokens"),
            *("range of input length", "input token length too long", "exceeded model token limit"),
            *("max_model_len", "max_seq_len", "session_len", "超长", "上下文长度"),
        ),
    ),
    _Signs(
        "firewall",
        words=(
            *(
                "error code: 10",
                "cloudflare",
                "web application firewall",
                "blocked by waf",
                "request blocked",
            ),
            *("access denied by", "防火墙", "已被拦截"),
        ),
    ),
    _Signs(
        "rate",
        ("1302", "1303", "1305", "1312", "1002", "1039", "1041", "2045", "18", "336501", "336502"),
        (
            *("rate_limit", "ratelimitexceeded", "rate limit", "too many requests", "limit_requests"),
            *("limitrequests", "serveroverloaded", "engine_overloaded", "qps request limit", "限流"),
            *("inflightbatchsizeexceeded", "tpm limit", "rpm limit", "concurrency limit", "growth limit"),
            *(
                "requestlimitexceeded",
                "serverlimitexceeded",
                "qpsoverflow",
                "频率超限",
                "并发数超限",
                "已饱和",
            ),
        ),
    ),
    _Signs(
        "key",
        # Not 1000 and 1001: Zhipu sends them with status 401, to MiniMax they are faults of its own.
        ("1003", "1004", "2049", "110", "111"),
        (
            *(
                "invalid_api_key",
                "invalidapikey",
                "invalid api key",
                "incorrect api key",
                "api key not valid",
            ),
            *("authentication_error", "authenticationerror", "invalid_authentication", "invalid token"),
            *("authfailure", "access token invalid", "access token expired", "token invalid"),
            "no_db_connection",  # a proxy of LiteLLM with one key, for any other one
        ),
    ),
    _Signs(
        "access",
        ("1110", "1111", "1112", "1220"),
        (
            *("accessdenied", "permission_denied", "unpurchased", "servicenotopen", "modelnotopen"),
            *("not activated", "real-name", "identity verification", "no permission to", "model disabled"),
            *("实名", "未开通", "无权使用模型", "无权访问"),
        ),
    ),
    _Signs(
        "model",
        ("1211", "20012"),
        (
            *("model_not_found", "modelnotfound", "invalidendpointormodel", "model does not exist"),
            *("model not exist", "resource_not_found", "no available channel", "unexpected endpoint"),
            *("invalid model name", "server is pinned to", "模型不存在", "无可用渠道"),
        ),
    ),
    _Signs(
        "request",
        ("1210", "1213", "1214", "20015", "2013", "1042", "336002", "336003"),
        ("invalid_request_error", "invalidparameter", "invalid_parameter", "badrequest", "missingparameter"),
    ),
)
"""In the order in which they count: an account without money may also be called a rate limit."""


def meaning_of(complaint: Complaint) -> Meaning:
    """Returns what a complaint means by the codes and words of DeepSeek, DashScope, Zhipu, OpenAI, Moonshot,
    Ark, SiliconFlow, MiniMax, Baidu, Tencent, OpenRouter, one-api and others."""
    if complaint.page:
        return "firewall"
    words = f"{complaint.message} {' '.join(complaint.codes)}".lower()
    for meaning, codes, marks in _SIGNS:
        if any(code in codes for code in complaint.codes) or any(mark in words for mark in marks):
            return meaning
    return ""
