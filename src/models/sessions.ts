/**
 * Networks of one set of weights as sessions, built when they are first needed.
 *
 * @module
 */
import { Graph } from '../graph/graph.ts';
import { type EmitOptions, emitModel } from '../graph/onnx/emit.ts';
import { rewritten } from '../graph/rewrite.ts';
import { rewriteRules } from '../graph/rewrites/index.ts';
import type { InferenceEngine, Session } from '../runtime/session.ts';

type Values = ReadonlyMap<string, Float32Array>;

export class Sessions {
  readonly #engine: InferenceEngine;
  readonly #once: boolean;
  #values: Values | (() => Promise<Values>);
  readonly #sessions = new Map<string, Promise<Session>>();

  /**
   * @param values kept, or a function that gets them for each session anew: a session has its own copy of them
   * @param once there will be one session only: the values are given up when it is loaded
   */
  constructor(engine: InferenceEngine, values: Values | (() => Promise<Values>), { once = false } = {}) {
    this.#engine = engine;
    this.#values = values;
    this.#once = once;
  }

  /** The session of a key, which stands for one graph. */
  get(key: string, build: (graph: Graph) => void, options: EmitOptions = {}): Promise<Session> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const graph = new Graph();
    build(graph);
    const loading = this.#load(graph, options);
    this.#sessions.set(key, loading);
    loading.then(
      () => {
        if (this.#once) this.#values = new Map();
      },
      // A failed load may succeed later, with less memory in use.
      () => this.#sessions.delete(key),
    );
    return loading;
  }

  async #load(graph: Graph, options: EmitOptions): Promise<Session> {
    const values = typeof this.#values === 'function' ? await this.#values() : this.#values;
    const model = emitModel(rewritten(graph, rewriteRules), values, { hideSizes: true, ...options });
    return this.#engine.load(model, { giveAway: true });
  }

  /** Marks a key as used last, and releases all but the `most` last used ones that begin with `prefix`. */
  keepLatest(latest: string, prefix: string, most: number): void {
    const session = this.#sessions.get(latest);
    if (!session) return;
    this.#sessions.delete(latest);
    this.#sessions.set(latest, session);
    const keys = [...this.#sessions.keys()].filter((key) => key.startsWith(prefix));
    for (const key of keys.slice(0, Math.max(0, keys.length - most))) {
      const old = this.#sessions.get(key);
      this.#sessions.delete(key);
      old?.then((loaded) => loaded.release()).catch(() => undefined);
    }
  }

  /** Forgets all sessions; the engine ends them. */
  clear(): void {
    this.#sessions.clear();
  }
}
