"""Attention in ERUNet: linear, the spatial transformer, and the look at the whole picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .pointwise import Pointwise

HEADS = 4
HEAD_WIDTH = 32


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [N,C,H,W], with a scale and no bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        normal = F.layer_norm(x.permute(0, 2, 3, 1), (channels,), self.g.view(channels), None, 1e-5)
        return normal.permute(0, 3, 1, 2)


class PreNorm(nn.Module):
    """f(LN(x))."""

    def __init__(self, channels: int, inner: nn.Module) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.fn = inner

    def forward(self, x: Tensor, *context: Tensor) -> Tensor:
        return self.fn(self.norm(x), *context)


class Residual(nn.Module):
    """x + f(LN(x))."""

    def __init__(self, channels: int, inner: nn.Module) -> None:
        super().__init__()
        self.fn = PreNorm(channels, inner)

    def forward(self, x: Tensor, *context: Tensor) -> Tensor:
        return x + self.fn(x, *context)


class LinearAttention(nn.Module):
    """q softmax over features, scaled; k softmax over positions; v / (H W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = HEADS * HEAD_WIDTH
        self.to_qkv = Pointwise(channels, 3 * hidden, bias=False)
        self.to_out = nn.Sequential(Pointwise(hidden, channels), ChannelNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        q, k, v = self.to_qkv(x).reshape(n, 3, HEADS, HEAD_WIDTH, h * w).unbind(1)
        q = q.softmax(dim=2) * HEAD_WIDTH**-0.5
        context = k.softmax(dim=3) @ (v / (h * w)).transpose(2, 3)
        return self.to_out((context.transpose(2, 3) @ q).reshape(n, HEADS * HEAD_WIDTH, h, w))


class CrossAttention(nn.Module):
    """Queries from x [N,L,C], keys and values from context [N,S,D]; heads of 32."""

    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        def heads(values: Tensor) -> Tensor:
            return values.reshape(*values.shape[:2], -1, HEAD_WIDTH).transpose(1, 2)

        q, k, v = heads(self.to_q(x)), heads(self.to_k(context)), heads(self.to_v(context))
        weights = (q @ k.transpose(2, 3) * HEAD_WIDTH**-0.5).softmax(dim=-1)
        return self.to_out((weights @ v).transpose(1, 2).flatten(2))


class Geglu(nn.Module):
    """a GELU(b), [a b] = W x."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * out)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    """GEGLU, four times as wide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Place 1 is a dropout in the authors' code.
        self.net = nn.Sequential(Geglu(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Self-attention (where there is one), cross-attention, feed-forward; each behind a norm and with a residual."""

    def __init__(self, channels: int, context: int, alone: bool) -> None:
        super().__init__()
        if alone:
            self.norm1 = nn.LayerNorm(channels)
            self.attn1 = CrossAttention(channels, channels)
        self.alone = alone
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)
        self.attn2 = CrossAttention(channels, context)
        self.ff = FeedForward(channels)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        if self.alone:
            normal = self.norm1(x)
            x = x + self.attn1(normal, normal)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """Group norm, 1x1 convolution, a transformer block over the positions, 1x1 convolution, and the residual.

    `alone`: every tile by itself. Otherwise (the view) nothing depends on the size of a tile: no group norm, no
    self-attention; the patches of a picture, N / M of each in x [N,C,H,W], read one context [M,S,D].
    """

    def __init__(self, channels: int, context: int, alone: bool = True) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6) if alone else nn.Identity()
        self.proj_in = Pointwise(channels, channels)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, context, alone)])
        self.proj_out = Pointwise(channels, channels)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        n, c, h, w = x.shape
        tokens = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(context.shape[0], -1, c)
        tokens = self.transformer_blocks[0](tokens, context)
        return x + self.proj_out(tokens.reshape(n, h, w, c).permute(0, 3, 1, 2))
