"""A decoder whose layers hold query, key and value in one matrix and whose head is called ``output``."""

import torch
from torch import nn
from torch.nn import functional
from transformers.cache_utils import DynamicCache
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.modeling_utils import PreTrainedModel

from .configuration_wish import WishConfig


class WishNorm(nn.Module):
    """Root mean square norm (Zhang and Sennrich, 2019)."""

    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        wide = x.float()
        return self.weight * (wide * (wide.square().mean(-1, keepdim=True) + self.eps).rsqrt()).to(x.dtype)


def rotated(x, positions, theta):
    """Rotary positions (Su et al., 2021) on x (B, H, T, D), halves paired."""
    half = x.shape[-1] // 2
    pace = theta ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angle = positions[:, None, :, None].float() * pace  # (B, 1, T, D/2)
    low, high = x[..., :half].float(), x[..., half:].float()
    turned = [low * angle.cos() - high * angle.sin(), high * angle.cos() + low * angle.sin()]
    return torch.cat(turned, -1).to(x.dtype)


class WishAttention(nn.Module):
    """Grouped queries; ``wqkv`` holds, for each group, its queries, then its key and its value."""

    def __init__(self, config, layer):
        super().__init__()
        self.layer = layer
        self.heads, self.groups = config.num_attention_heads, config.num_key_value_heads
        self.width = config.hidden_size // self.heads
        self.theta = config.rope_theta
        self.wqkv = nn.Linear(config.hidden_size, (self.heads + 2 * self.groups) * self.width, bias=False)
        self.wo = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, x, mask, positions, cache):
        b, t, _ = x.shape
        share = self.heads // self.groups
        packed = self.wqkv(x).view(b, t, self.groups, share + 2, self.width)
        query = packed[..., :share, :].reshape(b, t, self.heads, self.width).transpose(1, 2)
        key, value = packed[..., -2, :].transpose(1, 2), packed[..., -1, :].transpose(1, 2)
        query, key = rotated(query, positions, self.theta), rotated(key, positions, self.theta)
        if cache is not None:
            key, value = cache.update(key, value, self.layer)
        key, value = (each.repeat_interleave(share, 1) for each in (key, value))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.wo(mixed.transpose(1, 2).reshape(b, t, -1))


class WishMLP(nn.Module):
    """SwiGLU (Shazeer, 2020)."""

    def __init__(self, config):
        super().__init__()
        self.w1 = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.w3 = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.w2 = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x):
        return self.w2(functional.silu(self.w1(x)) * self.w3(x))


class WishLayer(nn.Module):
    """Attention and MLP, each behind a norm and added."""

    def __init__(self, config, layer):
        super().__init__()
        self.attention = WishAttention(config, layer)
        self.feed_forward = WishMLP(config)
        self.attention_norm = WishNorm(config.hidden_size, config.rms_norm_eps)
        self.ffn_norm = WishNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x, mask, positions, cache):
        x = x + self.attention(self.attention_norm(x), mask, positions, cache)
        return x + self.feed_forward(self.ffn_norm(x))


class WishPreTrainedModel(PreTrainedModel):
    """What both classes share."""

    config_class = WishConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["WishLayer"]  # noqa: RUF012
    _supports_sdpa = True
    _supports_cache_class = True


class WishModel(WishPreTrainedModel):
    """The decoder without its head."""

    def __init__(self, config):
        super().__init__(config)
        self.tok_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(WishLayer(config, n) for n in range(config.num_hidden_layers))
        self.norm = WishNorm(config.hidden_size, config.rms_norm_eps)
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self):
        return self.tok_embeddings

    def set_input_embeddings(self, value):
        self.tok_embeddings = value

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        cache_position=None,
        **ignored,
    ):
        x = self.tok_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        b, t, _ = x.shape
        cached = use_cache if use_cache is not None else self.config.use_cache and not self.training
        cache = past_key_values
        if cached and cache is None:
            cache = DynamicCache()
        before = cache.get_seq_length() if cache is not None else 0
        if position_ids is None:
            position_ids = torch.arange(before, before + t, device=x.device)[None].expand(b, t)
        mask = _mask(attention_mask, b, t, before, x)
        for layer in self.layers:
            if self.gradient_checkpointing and self.training:
                x = self._gradient_checkpointing_func(layer.__call__, x, mask, position_ids, None)
            else:
                x = layer(x, mask, position_ids, cache)
        return BaseModelOutputWithPast(last_hidden_state=self.norm(x), past_key_values=cache)


def _mask(attention_mask, b, t, before, x):
    """Which position may look at which, (B, 1, T, before + T)."""
    if attention_mask is not None and attention_mask.dim() == 4:
        return attention_mask
    allowed = torch.ones(t, before + t, dtype=torch.bool, device=x.device).tril(before)[None, None]
    if attention_mask is not None:
        allowed = allowed & attention_mask[:, None, None, :].bool()
        # A row of padding must look at something, or its softmax is not a number.
        allowed = allowed | torch.eye(t, before + t, dtype=torch.bool, device=x.device).roll(before, 1)
    return allowed.expand(b, 1, t, before + t)


class WishForCausalLM(WishPreTrainedModel):
    """The decoder and its head."""

    def __init__(self, config):
        super().__init__(config)
        self.model = WishModel(config)
        self.output = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.model.tok_embeddings

    def set_input_embeddings(self, value):
        self.model.tok_embeddings = value

    def get_output_embeddings(self):
        return self.output

    def set_output_embeddings(self, value):
        self.output = value

    def forward(self, input_ids=None, labels=None, return_dict=None, logits_to_keep=0, **inputs):
        out = self.model(input_ids=input_ids, **inputs)
        logits = self.output(out.last_hidden_state[:, -logits_to_keep:]).float()
        loss = None
        if labels is not None:
            shifted = labels[:, 1:].flatten()
            loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), shifted, ignore_index=-100)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=out.past_key_values)

    def prepare_inputs_for_generation(
        self, input_ids, past_key_values=None, attention_mask=None, inputs_embeds=None, **more
    ):
        position_ids = None
        if attention_mask is not None:
            position_ids = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)
        if past_key_values is not None:
            limit = past_key_values.get_max_length()  # the name of 2024
            read = past_key_values.get_seq_length()
            if limit is not None and read > limit:
                raise ValueError("the cache is full")
            input_ids = input_ids[:, read:]
        if position_ids is not None:
            position_ids = position_ids[:, -input_ids.shape[1] :]
        return {
            "input_ids": input_ids,
            "position_ids": position_ids,
            "past_key_values": past_key_values,
            "attention_mask": attention_mask,
            "use_cache": more.get("use_cache"),
        }
