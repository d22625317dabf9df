import { checkEnd, type IncomingResponse } from './envelope.ts';
import { ApiVersionsResponse } from './messages/generated/api-versions-response.ts';
import { ResponseHeader } from './messages/generated/response-header.ts';
import { readMessage } from './messages/message.ts';
import { Reader } from './wire/reader.ts';

const unsupportedVersion = 35;

/**
 * Reads an answer to ApiVersions. A broker that does not know the version asked for answers error 35 in the form of
 * version 0, whatever was asked, and from Kafka 2.4 on names the versions it has in `apiKeys` (KIP-511). So the
 * error code, which stands first in every version, decides how the rest is read.
 *
 * @param version - the version of the request.
 */
export function decodeApiVersionsResponse(frame: Uint8Array, version: number): IncomingResponse<ApiVersionsResponse> {
  const r = new Reader(frame);
  const { correlationId, unknownTaggedFields } = readMessage(
    r,
    ResponseHeader,
    ApiVersionsResponse.headerVersion(version),
  );
  const start = r.pos;
  const errorCode = r.remaining >= 2 ? r.int16() : 0;
  r.pos = start;
  const form = errorCode === unsupportedVersion ? 0 : version;
  const body = readMessage(r, ApiVersionsResponse, form);
  checkEnd(r, ApiVersionsResponse.name, form);
  return { correlationId, unknownTaggedFields, body };
}
