import type { Plugin } from 'esbuild';

export const browserShims: Plugin;
