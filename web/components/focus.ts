/**
 * Where the focus goes when what had it is gone: without this it would fall to the start of the page.
 *
 * @module
 */
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

const isLost = (): boolean => document.activeElement === null || document.activeElement === document.body;

/** Gives the focus to an element that takes the place of the one that had it. */
export function useLostFocus(target: RefObject<HTMLElement | null>, key?: unknown): void {
  useEffect(() => {
    if (isLost()) target.current?.focus({ preventScroll: true });
  }, [target, key]);
}
