/**
 * What a person can agree to. Identity data and faces are sensitive: each has a consent of its own
 * (个人信息保护法 第二十九条).
 */
export type ConsentKind = 'privacy' | 'terms' | 'identity-verification' | 'face-check' | 'organization-registration'

/** A record is about one of them, or about the release of one scope to a relying site (第二十三条). */
export type ConsentRecordKind = ConsentKind | 'release'
