"""Writes a tiny CLIP as PyTorch's exporter makes an ONNX model of it, into test/fixtures/clip/huggingface.onnx.

The modules have the names of Hugging Face's CLIPModel, because its published ONNX files come from it; the values are of the
parameter number p (in the order of state_dict) offset by nothing: sin(0.37 k + 1.3 p) / 10. Run once with a Python that has
PyTorch (made with 1.13): python3 scripts/make-clip-fixtures.py
"""

import pathlib

import torch
from torch import nn

OUT = pathlib.Path(__file__).resolve().parent.parent / 'test' / 'fixtures' / 'clip'
OUT.mkdir(parents=True, exist_ok=True)
WIDTH, HEADS, LAYERS, TOKENS, WORDS, PATCH, SIDE, JOINT = 8, 2, 1, 6, 514, 4, 8, 4


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x, mask):
        n, length, _ = x.shape
        q, k, v = (p(x).view(n, length, HEADS, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        scores = q @ k.transpose(2, 3) * (WIDTH // HEADS) ** -0.5
        return self.out_proj((torch.softmax(scores + mask, -1) @ v).transpose(1, 2).reshape(n, length, WIDTH))


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.layer_norm1, self.mlp, self.layer_norm2 = Attention(), nn.LayerNorm(WIDTH), MLP(), nn.LayerNorm(WIDTH)

    def forward(self, x, mask):
        x = x + self.self_attn(self.layer_norm1(x), mask)
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)
        return x


class TextEmbeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(WORDS, WIDTH), nn.Embedding(TOKENS, WIDTH)

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding(torch.arange(TOKENS))


class TextModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings, self.encoder, self.final_layer_norm = TextEmbeddings(), Encoder(), nn.LayerNorm(WIDTH)

    def forward(self, ids):
        mask = torch.full((TOKENS, TOKENS), -1e9).triu(1)
        x = self.final_layer_norm(self.encoder(self.embeddings(ids), mask))
        return x[torch.arange(ids.shape[0]), ids.argmax(-1)]


class VisionEmbeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        self.patch_embedding = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.position_embedding = nn.Embedding((SIDE // PATCH) ** 2 + 1, WIDTH)

    def forward(self, pixels):
        patches = self.patch_embedding(pixels).flatten(2).transpose(1, 2)
        start = self.class_embedding.expand(pixels.shape[0], 1, -1)
        return torch.cat([start, patches], 1) + self.position_embedding(torch.arange((SIDE // PATCH) ** 2 + 1))


class VisionModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings, self.pre_layrnorm = VisionEmbeddings(), nn.LayerNorm(WIDTH)
        self.encoder, self.post_layernorm = Encoder(), nn.LayerNorm(WIDTH)

    def forward(self, pixels):
        x = self.encoder(self.pre_layrnorm(self.embeddings(pixels)), torch.zeros(1))
        return self.post_layernorm(x[:, 0])


class CLIPModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(2.0))
        self.text_model, self.vision_model = TextModel(), VisionModel()
        self.visual_projection, self.text_projection = nn.Linear(WIDTH, JOINT, bias=False), nn.Linear(WIDTH, JOINT, bias=False)

    def forward(self, ids, pixels):
        text = self.text_projection(self.text_model(ids))
        image = self.visual_projection(self.vision_model(pixels))
        return text, image, text @ image.t() * self.logit_scale.exp()


model = CLIPModel().eval()
with torch.no_grad():
    for p, (name, tensor) in enumerate(model.state_dict().items()):
        k = torch.arange(tensor.numel(), dtype=torch.float64)
        tensor.copy_((torch.sin(0.37 * k + 1.3 * p) / 10).float().reshape(tensor.shape))
inputs = (torch.tensor([[512, 5, 9, 513, 0, 0]]), torch.linspace(-1, 1, 3 * SIDE * SIDE).reshape(1, 3, SIDE, SIDE))
torch.onnx.export(model, inputs, str(OUT / 'huggingface.onnx'), input_names=['input_ids', 'pixel_values'], opset_version=16)
torch.save(model.state_dict(), OUT / 'huggingface.pt')
text, image, _ = model(*inputs)
(OUT / 'huggingface.json').write_text(__import__('json').dumps({'text': text[0].tolist(), 'image': image[0].tolist()}))
