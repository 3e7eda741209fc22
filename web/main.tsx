/**
 * The page's start.
 *
 * @module
 */
import { render } from 'preact';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (root === null) throw new Error('expected the element #app in the page');
render(<App />, root);
