/** What is asked of a request for a file: keys of an environ, so that an environ will do. */

export interface FileRequest {
  readonly REQUEST_METHOD: string;
  readonly SCRIPT_NAME: string;
  readonly PATH_INFO: string;
  readonly QUERY_STRING: string;
  readonly REQUEST_URI: string;
  readonly HTTP_ACCEPT_ENCODING?: string | undefined;
  readonly HTTP_IF_MATCH?: string | undefined;
  readonly HTTP_IF_MODIFIED_SINCE?: string | undefined;
  readonly HTTP_IF_NONE_MATCH?: string | undefined;
  readonly HTTP_IF_RANGE?: string | undefined;
  readonly HTTP_IF_UNMODIFIED_SINCE?: string | undefined;
  readonly HTTP_RANGE?: string | undefined;
}
