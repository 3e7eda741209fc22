"""The blocks of ERUNet in PyTorch, to measure the same network on both sides.

Parameter names are those of src/nn/blocks.ts. Where PyTorch offers several forms of the same arithmetic, the faster is
used: linear layers over channels last instead of 1x1 convolutions, and GRN as one multiply-add.
"""

import torch
from torch import nn
from torch.nn import functional as F

HEADS = 4
HEAD_WIDTH = 32


class Grn(nn.Module):
    """Global response normalisation of [N,H,W,C]: v (1 + gamma N) + beta, N = G / mean(G), G = |v| over space."""

    def __init__(self, channels):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, v):
        norm = torch.linalg.vector_norm(v, dim=(1, 2), keepdim=True)
        relative = norm / (norm.mean(dim=-1, keepdim=True) + 1e-6)
        return torch.addcmul(self.beta, v, 1 + self.gamma * relative)


class Erb(nn.Module):
    """u = x + LN(GELU(DW(x))); y = u + PW2(GRN(GELU(PW1(u)))) for [N,C,H,W]."""

    def __init__(self, channels, kernel, expansion):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, expansion * channels)
        self.grn = Grn(expansion * channels)
        self.pwconv2 = nn.Linear(expansion * channels, channels)

    def forward(self, x):
        u = x.permute(0, 2, 3, 1) + self.norm(F.gelu(self.dwconv(x).permute(0, 2, 3, 1)))
        y = u + self.pwconv2(self.grn(F.gelu(self.pwconv1(u))))
        return y.permute(0, 3, 1, 2)


class Inner(nn.Module):
    """One inner transform of a residual block, with its parameters under `proj`."""

    def __init__(self, channels, out, kernel, expansion, decoder):
        super().__init__()
        erb = Erb(out if decoder else channels, kernel, expansion)
        self.proj = nn.Sequential(nn.Conv2d(channels, out, 1), erb) if decoder else nn.Sequential(erb)

    def forward(self, x):
        return self.proj(x)


class ResidualBlock(nn.Module):
    """h = SiLU(B1(x) (1 + scale) + shift); h = SiLU(B2(h)); y = h + skip(x)."""

    def __init__(self, channels, out, features, kernel, expansion, decoder):
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(features, 2 * out))
        self.block1 = Inner(channels, out, kernel, expansion, decoder)
        self.block2 = Inner(out, out, kernel, expansion, decoder)
        self.res_conv = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1, bias=False)

    def forward(self, x, time):
        scale, shift = self.mlp(time)[:, :, None, None].chunk(2, dim=1)
        h = F.silu(self.block1(x) * (scale + 1) + shift)
        return F.silu(self.block2(h)) + self.res_conv(x)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [N,C,H,W], with a scale and no bias."""

    def __init__(self, channels):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x):
        channels = x.shape[1]
        normal = F.layer_norm(x.permute(0, 2, 3, 1), (channels,), self.g.view(channels), None, 1e-5)
        return normal.permute(0, 3, 1, 2)


class PreNorm(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.fn = inner

    def forward(self, x, *context):
        return self.fn(self.norm(x), *context)


class Residual(nn.Module):
    """x + f(LN(x))."""

    def __init__(self, channels, inner):
        super().__init__()
        self.fn = PreNorm(channels, inner)

    def forward(self, x, *context):
        return x + self.fn(x, *context)


class LinearAttention(nn.Module):
    """q softmax over features, scaled; k softmax over positions; v / (H W)."""

    def __init__(self, channels):
        super().__init__()
        hidden = HEADS * HEAD_WIDTH
        self.to_qkv = nn.Conv2d(channels, 3 * hidden, 1, bias=False)
        self.to_out = nn.Sequential(nn.Conv2d(hidden, channels, 1), ChannelNorm(channels))

    def forward(self, x, _context=None):
        n, _, h, w = x.shape
        q, k, v = self.to_qkv(x).reshape(n, 3, HEADS, HEAD_WIDTH, h * w).unbind(1)
        q = q.softmax(dim=2) * HEAD_WIDTH**-0.5
        context = k.softmax(dim=3) @ (v / (h * w)).transpose(2, 3)
        return self.to_out((context.transpose(2, 3) @ q).reshape(n, HEADS * HEAD_WIDTH, h, w))


class CrossAttention(nn.Module):
    """Queries from x [N,L,C], keys and values from context [N,S,D]; heads of 32."""

    def __init__(self, channels, context):
        super().__init__()
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x, context):
        def heads(values):
            return values.reshape(*values.shape[:2], -1, HEAD_WIDTH).transpose(1, 2)

        q, k, v = heads(self.to_q(x)), heads(self.to_k(context)), heads(self.to_v(context))
        weights = (q @ k.transpose(2, 3) * HEAD_WIDTH**-0.5).softmax(dim=-1)
        return self.to_out((weights @ v).transpose(1, 2).flatten(2))


class Geglu(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.proj = nn.Linear(channels, 2 * out)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, channels):
        super().__init__()
        # Place 1 is a dropout in the authors' code.
        self.net = nn.Sequential(Geglu(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels))

    def forward(self, x):
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)
        self.attn1 = CrossAttention(channels, channels)
        self.attn2 = CrossAttention(channels, context)
        self.ff = FeedForward(channels)

    def forward(self, x, context):
        normal = self.norm1(x)
        x = x + self.attn1(normal, normal)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """Group norm, 1x1 convolution, a transformer block over the positions, 1x1 convolution, and the residual."""

    def __init__(self, channels, context):
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, context)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x, context):
        n, c, h, w = x.shape
        tokens = self.proj_in(self.norm(x)).reshape(n, c, h * w).transpose(1, 2)
        tokens = self.transformer_blocks[0](tokens, context)
        return x + self.proj_out(tokens.transpose(1, 2).reshape(n, c, h, w))
